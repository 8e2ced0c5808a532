/**
 * The backend `http`: another program is asked, one question a request.
 *
 *     getuser     username, password, clientid
 *     superuser   username
 *     aclcheck    username, clientid, topic, acc (1 read, 2 write, 4 subscribe)
 *
 * A status of 2xx is yes; in the mode `text` only with the body `ok`, in the mode `json` only with `{"ok": true}`. From 500 on it
 * is no answer, everything else is no.
 */
import { createHttpClient, type HttpAnswer, type HttpClient } from '../http-client.ts'
import type { Backend, LoginQuestion } from './backend.ts'

export interface HttpSettings {
  /** `https://host:port`, without a path. */
  readonly origin: string
  readonly verifiesPeer: boolean
  readonly method: 'POST' | 'GET' | 'PUT'
  readonly paramsMode: 'json' | 'form'
  readonly responseMode: 'status' | 'json' | 'text'
  readonly timeoutMs: number
  readonly userAgent: string
  readonly userPath: string
  /** null: there are no superusers. */
  readonly superuserPath: string | null
  readonly aclPath: string
}

/** What is sent: text, or the number of an access. */
export type Params = Readonly<Record<string, string | number>>

/** Asks one question. Rejects where there was no answer. */
export type AskHttp = (
  path: string,
  params: Params,
  headers?: Readonly<Record<string, string>>,
) => Promise<boolean>

const RUNNING_MAX = 20
/** Questions that wait for their turn: so many that only a server which does not answer lets it come to that. */
const WAITING_MAX = 20_000
const utf8 = new TextDecoder('utf-8', { fatal: true })

export function httpBackend(settings: HttpSettings): Backend {
  const http = createHttpClient({ runningMax: RUNNING_MAX, verifiesPeer: settings.verifiesPeer })
  const ask = askerOf(settings, http)
  const { userPath, superuserPath, aclPath } = settings
  return {
    name: 'http',
    async login(question) {
      const params = loginParams(question)
      const isWelcome = params !== null && (await ask(userPath, params))
      return isWelcome ? { encoded: null, username: null, expiresAtMs: Infinity } : null
    },
    isSuperuser: (username) => superuserPath !== null && ask(superuserPath, { username }),
    allows: ({ username, clientId, topic, access }) =>
      ask(aclPath, { username, clientid: clientId, topic, acc: access }),
    encodedOf: () => undefined,
    close: () => http.close(),
  }
}

/** null: the password is no text, and the protocol has text only. */
function loginParams({ username, password, clientId }: LoginQuestion): Params | null {
  try {
    return { username, password: utf8.decode(password), clientid: clientId }
  } catch {
    return null
  }
}

/** A few questions at a time, the others in a line. */
export function askerOf(settings: HttpSettings, http: HttpClient): AskHttp {
  const { origin, method, paramsMode, responseMode, timeoutMs, userAgent } = settings
  const waiting: (() => void)[] = []
  let running = 0
  const turn = (): Promise<void> | undefined => {
    if (running < RUNNING_MAX) {
      running++
      return undefined
    }
    if (waiting.length >= WAITING_MAX) throw new Error(`${WAITING_MAX} questions wait already`)
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  const finished = (): void => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
  return async (path, params, headers = {}) => {
    await turn()
    try {
      const body = paramsMode === 'json' ? JSON.stringify(params) : formOf(params)
      const answer = await http.ask({
        url: `${origin}${path}`,
        method,
        headers: { 'content-type': CONTENT_TYPES[paramsMode], 'user-agent': userAgent, ...headers },
        body,
        timeoutMs,
      })
      return isYes(answer, responseMode)
    } finally {
      finished()
    }
  }
}

const CONTENT_TYPES = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
} as const

function formOf(params: Params): string {
  const pairs = Object.entries(params).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return new URLSearchParams(pairs).toString()
}

/** @throws Error when it is no answer. */
function isYes({ status, text }: HttpAnswer, mode: HttpSettings['responseMode']): boolean {
  if (status >= 500) throw new Error(`status ${status}`)
  if (status < 200 || status > 299) return false
  if (mode === 'status') return true
  if (mode === 'text') return text === 'ok'
  const answer: unknown = JSON.parse(text)
  if (typeof answer !== 'object' || answer === null) throw new Error('the answer is no JSON object')
  // Go reads `Ok` and `ok` alike.
  const found = Object.entries(answer).find(([name]) => name.toLowerCase() === 'ok')
  return found?.[1] === true
}
