/** A broker with dynamic security, and one who commands it over `$CONTROL`. */
import assert from 'node:assert/strict'
import type { CommandResponse } from '../../../src/auth/dynamic/commands.ts'
import {
  formatPasswordHash,
  hashPassword,
  newPasswordHash,
} from '../../../src/auth/password-hash.ts'
import { publish } from '../../support/packets.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startSecured, type LoginOptions, type Secured } from '../secured.ts'
import { fileOf, type Scene } from './roles.ts'

export const topic = '$CONTROL/dynamic-security/v1'

/** The options of a file whose users all have their name as password. */
export const dynamicConf = 'listener PORT0 127.0.0.1\ndynamic_security_file DIR/dynsec.json\n'

const adminRules = [
  'allow send $CONTROL/#',
  'allow receive $CONTROL/#',
  'allow subscribe $CONTROL/#',
]

export function login(username: string): LoginOptions {
  return { username, password: username }
}

/** The scene as a file, with a user "admin" who may command. Passwords are the names. */
export async function dynamicFile(scene: Scene): Promise<string> {
  const file = fileOf({
    ...scene,
    users: { ...scene.users, admin: ['admin'] },
    roles: { ...scene.roles, admin: adminRules },
  }) as { clients: { username: string }[] }
  const clients = await Promise.all(
    file.clients.map(async (client) => ({
      ...client,
      encoded_password: await encoded(client.username),
    })),
  )
  return JSON.stringify({ ...file, clients })
}

async function encoded(password: string): Promise<string> {
  const like = { ...newPasswordHash('sha512-pbkdf2', 1), salt: Buffer.alloc(12, password) }
  const hash = await hashPassword(Buffer.from(password), like, () => Promise.reject(new Error()))
  return formatPasswordHash({ ...like, hash })
}

export interface Commanded extends Secured {
  /** Carries out commands; fails when one is answered with an error. */
  command(...commands: object[]): Promise<readonly CommandResponse[]>
}

export async function startDynamic(
  context: Parameters<typeof startSecured>[0],
  scene: Scene,
  conf = dynamicConf,
): Promise<Commanded> {
  const broker = await startSecured(context, conf, { 'dynsec.json': await dynamicFile(scene) })
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  return Object.assign(broker, {
    async command(...commands: object[]) {
      const responses = await ask(admin, commands)
      for (const { command, error } of responses) assert.equal(error, undefined, command)
      return responses
    },
  })
}

/** The answer to commands, from a client that listens for answers. */
export async function ask(
  client: RawClient,
  commands: readonly object[] | string,
): Promise<readonly CommandResponse[]> {
  const text = typeof commands === 'string' ? commands : JSON.stringify({ commands })
  client.send(publish(topic, text))
  const { payload } = await client.receive({ topic: `${topic}/response` })
  return (JSON.parse(Buffer.from(payload).toString()) as { responses: CommandResponse[] }).responses
}
