/** The broker of the example: its configuration, certificates, users and rights, and the process. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apName, type Fleet } from './model/fleet.ts'
import { WORKERS, workerName } from './model/passwords.ts'

/** Where the packages and programs of the checkout are: `npm run` starts there. */
const MOZZIE = join(process.cwd(), 'bin', 'mozzie')

const workers = Array.from({ length: WORKERS }, (_, at) => workerName(at + 1))

/** What APs may do: their own topics, and nothing of another's. A client id is a user name here, so nobody has another's. */
const RIGHTS = `${workers.map((name) => `user ${name}\ntopic readwrite esl/#\n`).join('\n')}
pattern write esl/+/ap/%c/#
pattern read esl/+/fields/p2p/%c
pattern read esl/+/image/p2p/%c
pattern read esl/%c/cmd
`

export interface BrokerFiles {
  readonly directory: string
  readonly url: string
  readonly caFile: string
  /** Plain, for service and simulator (`model/passwords.ts`). */
  readonly passwordFile: string
  readonly configFile: string
  readonly port: number
}

function mozzie(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [MOZZIE, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mozzie ${args.join(' ')}: ${stderr}`)
}

/** Writes all that the broker needs into a directory that exists; what an earlier run kept there stays. */
export function writeBrokerFiles(directory: string, port: number, fleet: Fleet): BrokerFiles {
  const tls = join(directory, 'tls')
  if (!existsSync(tls)) mozzie('tls-init', tls, '--host', 'localhost', '--host', '127.0.0.1')
  const names = [...workers]
  for (let store = 1; store <= fleet.stores; store++)
    for (let ap = 1; ap <= fleet.apsPerStore; ap++) names.push(apName(store, ap))
  const passwords = names.map((name) => [name, randomBytes(18).toString('base64url')])
  const plain = passwords.map((pair) => `${pair.join(':')}\n`).join('')
  const [passwordFile, hashed, acl] = ['passwords', 'password_file', 'acl_file'].map((name) =>
    join(directory, name),
  )
  writeFileSync(passwordFile, plain, { mode: 0o600 })
  writeFileSync(hashed, plain, { mode: 0o600 })
  mozzie('passwd', '-U', hashed)
  writeFileSync(acl, RIGHTS, { mode: 0o600 })
  mkdirSync(join(directory, 'state'), { recursive: true })
  const configFile = join(directory, 'mozzie.conf')
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(
    configFile,
    `${user}listener ${port} 127.0.0.1
certfile ${join(tls, 'server.crt')}
keyfile ${join(tls, 'server.key')}
password_file ${hashed}
acl_file ${acl}
use_username_as_clientid true
persistence true
persistence_location ${join(directory, 'state')}
log_dest file ${join(directory, 'broker.log')}
connection_messages false
max_queued_messages 100000

direct_topic p2p
delayed_publish true
auto_subscribe esl/%c/cmd 1
`,
  )
  return {
    directory,
    url: `mqtts://localhost:${port}`,
    caFile: join(tls, 'ca.crt'),
    passwordFile,
    configFile,
    port,
  }
}

/** The broker's process; resolves when it takes connections. */
export async function startBroker({
  configFile,
  port,
  directory,
}: BrokerFiles): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MOZZIE, '-c', configFile], { stdio: 'inherit' })
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the broker ended: ${directory}/broker.log`)
    await sleep(50)
  }
  return child
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
