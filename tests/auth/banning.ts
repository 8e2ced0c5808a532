/** A broker with users and an admin API, over which bans are made. */
import type { TestContext } from 'node:test'
import { aliceLine, bobLine, startSecured, type Secured } from './secured.ts'

const listeners =
  'listener PORT0 127.0.0.1\nlistener PORT1 127.0.0.1\nprotocol http_api\nhttp_admin_user alice\n'
const conf = `password_file DIR/pw\npersistence true\npersistence_location DIR\n${listeners}`

export interface Made {
  readonly broker: Secured
  ask(method: string, path: string, body?: object): Promise<{ status: number; json: never }>
}

export async function startBanning(context: TestContext, more = '', files = {}): Promise<Made> {
  const broker = await startSecured(context, conf + more, { pw: aliceLine + bobLine, ...files })
  return {
    broker,
    async ask(method, path, body) {
      const response = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}`,
          'x-csrf-token': 'test',
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: response.status, json: (await response.json()) as never }
    },
  }
}
