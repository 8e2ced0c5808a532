import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface TestContext {
  after(run: () => void): void
}

/** A request as it came. */
export interface Asked {
  readonly path: string
  readonly method: string
  readonly type: string
  readonly authorization: string
  /** Of JSON or a form. */
  readonly params: Readonly<Record<string, unknown>>
}

export type Answering = (asked: Asked, response: ServerResponse) => void

/** A program that answers over HTTP as the test says; what it was asked is kept. */
export async function startAnswering(
  context: TestContext,
  answer: Answering,
): Promise<{ port: number; asked: Asked[]; close(): void }> {
  const asked: Asked[] = []
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const type = request.headers['content-type'] ?? ''
    const params = type.includes('json')
      ? (JSON.parse(body || '{}') as Record<string, unknown>)
      : Object.fromEntries(new URLSearchParams(body))
    const { url = '', method = '', headers } = request
    const { authorization = '' } = headers
    const question = { path: url, method, type, authorization, params }
    asked.push(question)
    answer(question, response)
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  context.after(close)
  return { port: (server.address() as AddressInfo).port, asked, close }
}
