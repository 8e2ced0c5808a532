/** A broker of two threads, with clients in both. */
import type { TestContext } from 'node:test'
import type { IClientOptions, MqttClient } from 'mqtt'
import { password, writePasswords } from '../admin/api-server.ts'
import { connectOnce } from '../support/connect-once.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'

/** So many clients do not all come to one thread. */
export const CLIENTS = 24

/** Whatever came: assertions say what it should be. */
export type Json = ReturnType<typeof JSON.parse>

export async function threaded(context: TestContext, lines = '') {
  const port = await freePort()
  const directory = scratch(context)
  const config = `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`
  const mozzie = await startMozzie(
    context,
    '-c',
    writeConfig(directory, `${config}${lines.replaceAll('DIR', directory)}`),
  )
  const connect = async (more: IClientOptions = {}): Promise<MqttClient> => {
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`, more)
    context.after(() => void client.end(true))
    return client
  }
  return { mozzie, port, directory, connect }
}

/** With the API, for one who may use it. */
export async function observed(context: TestContext) {
  const httpPort = await freePort()
  const passwords = await writePasswords(scratch(context), 'boss')
  const { connect } = await threaded(
    context,
    `listener ${httpPort} 127.0.0.1\nprotocol http_api\nhttp_admin_user boss\npassword_file ${passwords}\nallow_anonymous true`,
  )
  const call = async (path: string, sent: RequestInit = {}): Promise<Json> => {
    const authorization = `Basic ${Buffer.from(`boss:${password}`).toString('base64')}`
    const headers = { 'content-type': 'application/json', 'x-csrf-token': 'x', authorization }
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/${path}`, { ...sent, headers })
    return answer.json()
  }
  const get = (path: string): Promise<Json> => call(path)
  const post = (path: string, body: object): Promise<Json> =>
    call(path, { method: 'POST', body: JSON.stringify(body) })
  return { connect, get, post }
}

export async function many(
  connect: (options: IClientOptions) => Promise<MqttClient>,
  options: IClientOptions = {},
): Promise<MqttClient[]> {
  const each = Array.from({ length: CLIENTS }, (_, at) =>
    connect({ clientId: `c${String(at).padStart(2, '0')}`, ...options }),
  )
  return Promise.all(each)
}

/** A condition that has to be asked for. */
export async function untilAsked(
  ask: () => Promise<Json>,
  holds: (answer: Json) => boolean,
): Promise<Json> {
  let last = await ask()
  let holdsNow = holds(last)
  let asking = false
  await until(
    () => {
      if (!holdsNow && !asking) {
        asking = true
        void ask().then((answer) => {
          last = answer
          holdsNow = holds(answer)
          asking = false
        })
      }
      return holdsNow
    },
    () => JSON.stringify(last),
  )
  return last
}
