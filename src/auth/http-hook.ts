/**
 * `auth_http_url`: another program decides who may log in. It gets a POST with
 *
 *     {"username": "u", "password": "p", "clientId": "c", "address": "192.0.2.1:5000", "port": 1883, "version": 5}
 *
 * (`passwordBase64` in place of `password` where that is not UTF-8) and answers with status 200 and
 *
 *     {"allow": true, "rights": [{"access": "read", "topic": "news/#"}]}
 *
 * `rights` may be absent: the ACL file counts then. Everything else is a refusal.
 */
import { LogType, type Log } from '../base/log.ts'
import type { AuthRequest } from '../ports/ports.ts'
import { topicFilterProblem } from '../topics/names.ts'
import { rightsOfRules, type Rights } from './acl.ts'
import { aclAccessOf, type AclRule } from './acl-file.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'
import { createLoginCache } from './login-cache.ts'

/** Welcome. */
export interface HookVerdict {
  /** null: what the ACL file says. */
  readonly rights: Rights | null
}

/** null: refused. 'unavailable': it could not be asked, or gave no answer that makes sense. */
export type HookAnswer = HookVerdict | null | 'busy' | 'unavailable'

export interface LoginHook {
  /** Calls back once, later or (from its cache) within the call. */
  ask(request: AuthRequest, done: (answer: HookAnswer) => void): void
  /** Closes idle connections; what is under way is answered. */
  close(): void
}

export interface HttpHookSettings {
  readonly url: string
  readonly timeoutMs: number
  /** How long a login that was allowed is not asked for again; 0: each time. */
  readonly cacheMs: number
}

const RUNNING_MAX = 20
const WAITING_MAX = 500
const RIGHTS_MAX = 1000
const utf8 = new TextDecoder('utf-8', { fatal: true })

export function createHttpHook(
  { url, timeoutMs, cacheMs }: HttpHookSettings,
  log: Log,
  nowMs: () => number,
): LoginHook {
  const cache = createLoginCache<HookVerdict>(nowMs, cacheMs)
  const http = createHttpClient({ runningMax: RUNNING_MAX, verifiesPeer: true })
  const waiting: (() => void)[] = []
  let running = 0
  const finished = (): void => {
    running--
    waiting.shift()?.()
  }
  const run = async (request: AuthRequest): Promise<HookVerdict | null | 'unavailable'> => {
    running++
    try {
      return await post(http, url, timeoutMs, bodyOf(request))
    } catch (error) {
      log.write(LogType.error, `Error: auth_http_url gave no answer: ${(error as Error).message}`)
      return 'unavailable'
    } finally {
      finished()
    }
  }
  return {
    ask(request, done) {
      const { username, password, clientId } = request
      const context = `${request.listener.port} ${clientId}`
      const key = cache.keyOf(username ?? '', password ?? new Uint8Array(0), context)
      const known = cacheMs > 0 ? cache.get(key) : undefined
      if (known !== undefined) return done(known)
      // The password may lie in a read buffer that is used again.
      const kept = { ...request, password: password?.slice() ?? null }
      const start = (): void => {
        void run(kept).then((answer) => {
          if (answer !== null && answer !== 'unavailable') cache.add(key, answer)
          done(answer)
        })
      }
      if (running < RUNNING_MAX) return start()
      if (waiting.length >= WAITING_MAX) return done('busy')
      waiting.push(start)
    },
    close: () => http.close(),
  }
}

function bodyOf({ username, password, clientId, remote, listener, version }: AuthRequest): string {
  const secret = password ?? new Uint8Array(0)
  const known = { username, clientId, address: remote, port: listener.port, version }
  try {
    return JSON.stringify({ ...known, password: utf8.decode(secret) })
  } catch {
    return JSON.stringify({ ...known, passwordBase64: Buffer.from(secret).toString('base64') })
  }
}

async function post(
  http: HttpClient,
  url: string,
  timeoutMs: number,
  body: string,
): Promise<HookVerdict | null> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const { status, text } = await http.ask({ url, method: 'POST', headers, body, timeoutMs })
  if (status === 401 || status === 403) return null
  if (status !== 200) throw new Error(`status ${status}`)
  return verdictOf(text)
}

/** @throws Error when the answer is none of ours. */
function verdictOf(text: string): HookVerdict | null {
  const answer: unknown = JSON.parse(text)
  if (!isObject(answer)) throw new Error('the answer is no JSON object')
  if (answer['allow'] !== true) return null
  const { rights } = answer
  if (rights === undefined || rights === null) return { rights: null }
  if (!Array.isArray(rights) || rights.length > RIGHTS_MAX)
    throw new Error(`"rights" is no list of up to ${RIGHTS_MAX}`)
  return { rights: rightsOfRules(rights.map(ruleOf)) }
}

function ruleOf(right: unknown): AclRule {
  if (!isObject(right)) throw new Error('a right is no JSON object')
  const { access: word, topic } = right
  const access = typeof word === 'string' ? aclAccessOf(word) : null
  if (access === null) throw new Error('"access" is none of read, write, readwrite and deny')
  if (typeof topic !== 'string') throw new Error('"topic" is no string')
  const problem = topicFilterProblem(topic)
  if (problem !== null) throw new Error(`"${topic}": ${problem}`)
  return { access, filter: topic, place: `auth_http_url "${access} ${topic}"` }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
