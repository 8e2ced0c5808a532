import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IClientOptions, MqttClient } from 'mqtt'
import { createArgon2 } from '../../src/auth/argon2.ts'
import { formatPasswordHash, hashPassword, newPasswordHash } from '../../src/auth/password-hash.ts'
import type { Config } from '../../src/config/config.ts'
import { createServerLog } from '../../src/server/log-destinations.ts'
import type { Server } from '../../src/server/running-server.ts'
import { startServer } from '../../src/server/server.ts'
import { readConfig } from '../config/read-config.ts'
import { freePort } from '../support/free-port.ts'
import { connectOnce } from '../support/connect-once.ts'

/** Whatever came: assertions say what it should be. */
export type Json = ReturnType<typeof JSON.parse>

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text as JSON. */
  readonly json: Json
}

export interface Sent {
  readonly headers?: Record<string, string>
  /** A string goes as it is, anything else as JSON. */
  readonly body?: unknown
}

/** A broker in this process with an HTTP listener. */
export interface Api {
  readonly server: Server
  readonly mqttPort: number
  readonly httpPort: number
  call(method: string, path: string, sent?: Sent): Promise<Answer>
  get(path: string): Promise<Answer>
  /** With the header against forgery. */
  post(path: string, body: unknown): Promise<Answer>
  remove(path: string): Promise<Answer>
  /** A client that is connected. */
  client(options?: IClientOptions): Promise<MqttClient>
  /** The broker's answer before its end: for live events. */
  open(path: string, headers?: Record<string, string>): Promise<IncomingMessage>
}

interface Context {
  after(run: () => Promise<void> | void): void
}

export const password = 'correct horse'

/** A password file in which everybody has {@link password}. */
export async function writePasswords(directory: string, ...users: string[]): Promise<string> {
  const lines = []
  for (const user of users) {
    const like = newPasswordHash('sha512-pbkdf2', 1000)
    const hash = await hashPassword(new TextEncoder().encode(password), like, createArgon2())
    lines.push(`${user}:${formatPasswordHash({ ...like, hash })}\n`)
  }
  const file = join(directory, 'passwords')
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return file
}

export function scratchDirectory(context: Context): string {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-admin-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A broker without a configuration, on other ports than its own. */
export async function startLocal(context: Context, text = '', pagesAt = 0): Promise<Api> {
  const [mqttPort, httpPort] = [await freePort(), pagesAt || (await freePort())]
  const config = readConfig(text)
  const listeners = config.listeners
    .filter(({ host }) => host === '127.0.0.1')
    .map((listener) => ({
      ...listener,
      port: listener.protocol === 'http_api' ? httpPort : mqttPort,
    }))
  return start(context, { ...config, listeners }, mqttPort, httpPort)
}

/**
 * A broker with two listeners.
 *
 * @param lines Options of the HTTP listener, and global ones.
 */
export async function startConfigured(context: Context, lines: string): Promise<Api> {
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const text =
    `listener ${mqttPort} 127.0.0.1\n` +
    `listener ${httpPort} 127.0.0.1\nprotocol http_api\n${lines}\n`
  return start(context, readConfig(text), mqttPort, httpPort)
}

async function start(
  context: Context,
  config: Config,
  mqttPort: number,
  httpPort: number,
): Promise<Api> {
  const server = await startServer({
    config,
    configFile: null,
    memoryOnly: true,
    logging: 'none',
    log: createServerLog(),
    tlsKeyLogFile: null,
    onFatal: (error) => {
      throw error
    },
  })
  context.after(() => server.stop())
  const call = (method: string, path: string, sent: Sent = {}): Promise<Answer> =>
    ask(httpPort, method, path, sent)
  const csrf = { 'x-csrf-token': 'test' }
  return {
    server,
    mqttPort,
    httpPort,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, { body, headers: csrf }),
    remove: (path) => call('DELETE', path, { headers: csrf }),
    async client(options = {}) {
      const client = await connectOnce(`mqtt://127.0.0.1:${mqttPort}`, {
        clientId: randomUUID(),
        reconnectPeriod: 0,
        ...options,
      })
      context.after(() => client.endAsync(true))
      return client
    },
    async open(path, headers = {}) {
      const sent = httpRequest({ host: '127.0.0.1', port: httpPort, path, headers })
      sent.end()
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      context.after(() => void answer.destroy())
      return answer.setEncoding('utf8')
    },
  }
}

async function ask(port: number, method: string, path: string, sent: Sent): Promise<Answer> {
  const { body } = sent
  const isText = typeof body === 'string'
  const text = body === undefined ? '' : isText ? body : JSON.stringify(body)
  const headers = {
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
    ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
    ...sent.headers,
  }
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false })
  const answered = once(request, 'response')
  // A server that has answered may close before it has read it all.
  request.on('error', () => {})
  request.end(text)
  const [answer] = (await answered) as [IncomingMessage]
  let received = ''
  for await (const chunk of answer.setEncoding('utf8')) received += chunk as string
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    text: received,
    get json() {
      return JSON.parse(received) as unknown
    },
  }
}

/** An administrator, `admin`, and `user`, who is none. */
export async function startWithUsers(context: Context, more = ''): Promise<Api> {
  const file = await writePasswords(scratchDirectory(context), 'admin', 'user')
  return startConfigured(context, `http_admin_user admin\npassword_file ${file}\n${more}`)
}

export function basic(user: string, secret = password): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` }
}

/** Server-sent events as they come. */
export async function* eventsOf(
  answer: IncomingMessage,
): AsyncGenerator<{ event: string; data: Json }> {
  let rest = ''
  for await (const chunk of answer) {
    rest += chunk as string
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = /^event: (.*)$/m.exec(rest.slice(0, end))?.[1]
      const data = /^data: (.*)$/m.exec(rest.slice(0, end))?.[1]
      rest = rest.slice(end + 2)
      if (event !== undefined && data !== undefined)
        yield { event, data: JSON.parse(data) as unknown }
    }
  }
}
