/** Questions to another program over HTTP: bounded in time, in number and in what is read of an answer. */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'

export interface HttpQuestion {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For all of it: connection, question and answer. */
  readonly timeoutMs: number
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

export interface HttpClient {
  /** Redirects are not followed: an answer from another place is not the one that was configured. */
  ask(question: HttpQuestion): Promise<HttpAnswer>
  /** Closes the connections once none has a question on it: what is under way is answered. */
  close(): void
}

const ANSWER_BYTES_MAX = 64 * 1024

/** @param verifiesPeer Whether the certificate of an HTTPS server must be good. */
export function createHttpClient({
  runningMax,
  verifiesPeer,
}: {
  runningMax: number
  verifiesPeer: boolean
}): HttpClient {
  const options = { keepAlive: true, maxSockets: runningMax }
  const plain = new HttpAgent(options)
  const secure = new HttpsAgent({ ...options, rejectUnauthorized: verifiesPeer })
  let underWay = 0
  let isClosed = false
  // An agent destroys connections with a question on them too.
  const destroyIfIdle = (): void => {
    if (!isClosed || underWay > 0) return
    plain.destroy()
    secure.destroy()
  }
  return {
    ask({ url, method, headers, body, timeoutMs }) {
      underWay++
      const answered = new Promise<HttpAnswer>((resolve, reject) => {
        const isTls = url.startsWith('https:')
        const signal = AbortSignal.timeout(timeoutMs)
        const send = isTls ? requestHttps : requestHttp
        const sent = { ...headers, 'content-length': Buffer.byteLength(body) }
        const agent = isTls ? secure : plain
        const fail = (error: Error): void =>
          reject(signal.aborted ? new Error(`none within ${timeoutMs} ms`) : error)
        const request = send(url, { method, agent, headers: sent, signal }, (response) => {
          void read(response).then(resolve, fail)
        })
        request.on('error', fail)
        request.end(body)
      })
      return answered.finally(() => {
        underWay--
        destroyIfIdle()
      })
    },
    close() {
      isClosed = true
      destroyIfIdle()
    },
  }
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX)
      throw new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
}
