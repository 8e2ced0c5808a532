/** Brokers that are asked "why?", and clients with trouble. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import {
  basic,
  scratchDirectory,
  startConfigured,
  type startLocal,
  writePasswords,
  type Api,
  type Json,
} from './api-server.ts'

export type Context = Parameters<typeof startLocal>[0]

export const BOSS = { headers: { ...basic('boss'), 'x-csrf-token': 'x' } }
/** Brokers that ask who is there. */
const asked = new WeakSet<Api>()

export async function ask(api: Api, question: Record<string, string>): Promise<Json> {
  const query = new URLSearchParams(question).toString()
  const { status, json } = await api.call('GET', `/api/v1/why?${query}`, asked.has(api) ? BOSS : {})
  assert.equal(status, 200, json.message)
  return json
}

export function linkOf(reply: Json, check: string): Json {
  return reply.links.find((one: Json) => one.check === check)
}

/** Passwords are checked, and `secret/#` is nobody's to read. */
export async function startGuarded(context: Context, more = ''): Promise<Api> {
  const directory = scratchDirectory(context)
  const passwords = await writePasswords(directory, 'boss', 'ann')
  const rules = join(directory, 'rules.acl')
  writeFileSync(
    rules,
    'topic readwrite #\ntopic deny secret/#\nuser ann\ntopic readwrite #\ntopic deny secret/#\nuser boss\ntopic readwrite #\n',
    {
      mode: 0o600,
    },
  )
  const api = await startConfigured(
    context,
    `password_file ${passwords}\nacl_file ${rules}\nallow_anonymous true\nhttp_admin_user boss\nmax_queued_messages 2\n${more}`,
  )
  asked.add(api)
  return api
}

/** A client of MQTT 3.1.1 from another loopback address. */
export async function connectFrom(
  context: Context,
  api: Api,
  localAddress: string,
  clientId: string,
): Promise<Socket> {
  const socket = connect({ port: api.mqttPort, host: '127.0.0.1', localAddress })
  context.after(() => void socket.destroy())
  const id = Buffer.from(clientId)
  const rest = Buffer.concat([
    Buffer.from('00044d5154540402003c0000', 'hex').subarray(0, 10),
    Buffer.from([0, id.length]),
    id,
  ])
  socket.write(Buffer.concat([Buffer.from([0x10, rest.length]), rest]))
  await once(socket, 'data')
  return socket
}
