/** A broker with threads, and clients that are in the thread that a test asks for. */
import type { TestContext } from 'node:test'
import { password, writePasswords } from '../admin/api-server.ts'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratch, startMozzie, writeConfig, type Mozzie } from './run-mozzie.ts'

/** Of so many clients that come one behind the other each thread has one. */
const ATTEMPTS_MAX = 200

/** Whatever came: assertions say what it should be. */
type Json = ReturnType<typeof JSON.parse>

export interface Placed {
  readonly mozzie: Mozzie
  readonly port: number
  connect(options?: make.ConnectOptions): Promise<RawClient>
  /** Asks the admin API. */
  get(path: string): Promise<Json>
  /** A client of its own id in this thread. */
  connectIn(thread: number, name: string): Promise<RawClient>
}

/** `lines`: of the configuration; DIR in them is a directory of this test. */
export async function startPlaced(context: TestContext, lines: string): Promise<Placed> {
  const [port, httpPort, directory] = [await freePort(), await freePort(), scratch(context)]
  const passwords = await writePasswords(directory, 'boss')
  const config =
    `listener ${port} 127.0.0.1\nlistener ${httpPort} 127.0.0.1\nprotocol http_api\nhttp_admin_user boss\n` +
    `password_file ${passwords}\nallow_anonymous true\n${lines.replaceAll('DIR', directory)}`
  const mozzie = await startMozzie(context, '-c', writeConfig(directory, config))
  const connect = async (options: make.ConnectOptions = {}): Promise<RawClient> => {
    const client = await RawClient.open(port, 5)
    context.after(() => client.destroy())
    client.send(make.connect(5, options))
    await client.expect('connack', { code: 0 })
    return client
  }
  const get = async (path: string): Promise<Json> => {
    const authorization = `Basic ${Buffer.from(`boss:${password}`).toString('base64')}`
    const url = `http://127.0.0.1:${httpPort}/api/v1/${path}`
    const answer = await fetch(url, { headers: { authorization } })
    return answer.json()
  }
  const threadOf = async (clientId: string): Promise<unknown> => {
    const { thread } = await get(`clients/detail?clientId=${encodeURIComponent(clientId)}`)
    return thread
  }
  return {
    mozzie,
    port,
    connect,
    get,
    async connectIn(thread, name) {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        // The others stay: the thread that has them leaves the next ones to this one.
        const clientId = `${name} ${attempt}`
        const client = await connect({ clientId })
        if ((await threadOf(clientId)) === thread) return client
      }
      throw new Error(`no client came to thread ${thread}`)
    },
  }
}
