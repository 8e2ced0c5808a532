/**
 * mosquitto-go-auth without the plugin: which of its backends is asked what, in which order, and what is remembered of the answers.
 *
 *     login    the backend of the name's prefix, or one after the other until one lets the client in
 *     right    is one of them sure that this is a superuser? does one of them allow it?
 */
import { LogType, type Log } from '../../base/log.ts'
import type { AuthRequest, Verdict } from '../../ports/ports.ts'
import { createLoginCache, jitterOf } from '../login-cache.ts'
import { shortKey } from '../short-key.ts'
import type { AclQuestion, Backend, LoginQuestion, Welcome } from './backend.ts'

/** What a backend may be asked. */
export type Check = 'user' | 'superuser' | 'acl'

export interface Registered {
  readonly backend: Backend
  readonly checks: readonly Check[]
  /** Users whose names begin with it and `_` are this backend's alone; null: no prefixes. */
  readonly prefix: string | null
}

export interface CacheSettings {
  readonly loginMs: number
  readonly aclMs: number
  /** Each time is longer or shorter by up to this. */
  readonly loginJitterMs: number
  readonly aclJitterMs: number
  /** Whether a right that is asked for again is remembered longer. */
  readonly refreshes: boolean
}

export interface GoAuthSettings {
  /** null: each time it is asked anew. */
  readonly cache: CacheSettings | null
  readonly stripsPrefix: boolean
  /** Superuser and right of one backend before the next one is asked. */
  readonly exhaustsBackendFirst: boolean
  readonly usesClientIdAsUsername: boolean
  /** How often a question that got no answer is asked again. */
  readonly retries: number
}

/** null: refused. 'unavailable': nobody let the client in, and one of those who were asked gave no answer. */
export type GoAuthAnswer = (Welcome & { readonly name: string }) | null | 'unavailable'

export interface GoAuth {
  /** Calls back once, now or later. `name` is what later questions are asked with. */
  login(request: AuthRequest, done: (answer: GoAuthAnswer) => void): void
  allows(question: AclQuestion): Verdict
  /** What is known of a right without asking anybody; null: nothing. */
  known(question: AclQuestion): boolean | null
  /** Whether a login that `encoded` stands for is still good. */
  isCurrent(name: string, encoded: string | null): boolean
  /** The names of the backends, for people. */
  readonly backends: string
  close(): void
}

interface Remembered {
  readonly allowed: boolean
  untilMs: number
}

interface World {
  readonly log: Log
  nowMs(): number
}

const RIGHTS_MAX = 100_000
const NO_PASSWORD = new Uint8Array(0)

export function createGoAuth(
  settings: GoAuthSettings,
  registered: readonly Registered[],
  world: World,
): GoAuth {
  const { cache, usesClientIdAsUsername } = settings
  const logins = createLoginCache<Welcome & { name: string }>(
    world.nowMs,
    cache?.loginMs ?? 0,
    cache?.loginJitterMs,
  )
  const rights = createRights(cache, world.nowMs)
  const open = new Map<string, Promise<boolean>>()
  const ask = (question: AclQuestion): Verdict =>
    askRight(settings, registered, question, world.log)
  return {
    backends: registered.map(({ backend }) => backend.name).join(', '),
    login(request, done) {
      const { clientId, password } = request
      const name = usesClientIdAsUsername ? clientId : (request.username ?? '')
      const key = logins.keyOf(name, password ?? NO_PASSWORD, clientId)
      const kept = cache === null ? undefined : logins.get(key)
      if (kept !== undefined) return done(kept)
      // The password may lie in a read buffer that is used again.
      const question = { username: name, password: password?.slice() ?? NO_PASSWORD, clientId }
      void askLogin(settings, registered, question, world.log).then((answer) => {
        const found = answer === null || answer === 'unavailable' ? answer : { ...answer, name }
        if (cache !== null && found !== null && found !== 'unavailable') logins.add(key, found)
        done(found)
      })
    },
    allows(question) {
      const key = keyOf(question)
      const known = rights.get(key) ?? open.get(key)
      if (known !== undefined) return known
      const verdict = ask(question)
      if (typeof verdict === 'boolean') return verdict
      const answer = verdict
        .then((allowed) => {
          rights.add(key, allowed)
          return allowed
        })
        .catch(() => false)
        .finally(() => open.delete(key))
      open.set(key, answer)
      return answer
    },
    known(question) {
      const kept = rights.get(keyOf(question))
      if (kept !== undefined) return kept
      const isAtOnce = registered.every(({ backend }) => backend.name === 'files')
      const verdict = isAtOnce ? ask(question) : null
      return typeof verdict === 'boolean' ? verdict : null
    },
    isCurrent: (name, encoded) =>
      encoded === null ||
      registered.some(({ backend, prefix }) => {
        const plain = settings.stripsPrefix ? withoutPrefix(name, prefix) : name
        return backend.encodedOf(name) === encoded || backend.encodedOf(plain) === encoded
      }),
    close() {
      for (const { backend } of registered) backend.close()
    },
  }
}

/** Neither names nor topics hold the NUL between them. */
function keyOf({ username, clientId, topic, access }: AclQuestion): string {
  return shortKey(`${access}\0${username}\0${clientId}\0${topic}`)
}

/** Answers about rights, yes and no, as long as they count. */
function createRights(cache: CacheSettings | null, nowMs: () => number) {
  const kept = new Map<string, Remembered>()
  const untilMs = (): number =>
    nowMs() + (cache === null ? 0 : cache.aclMs + jitterOf(cache.aclJitterMs))
  return {
    get(key: string): boolean | undefined {
      const found = kept.get(key)
      if (found === undefined || cache === null) return undefined
      if (found.untilMs <= nowMs()) {
        kept.delete(key)
        return undefined
      }
      if (cache.refreshes) found.untilMs = untilMs()
      return found.allowed
    },
    add(key: string, allowed: boolean): void {
      if (cache === null) return
      const oldest = kept.size < RIGHTS_MAX ? undefined : kept.keys().next().value
      if (oldest !== undefined) kept.delete(oldest)
      kept.set(key, { allowed, untilMs: untilMs() })
    },
  }
}

/** Who is asked about a user, and by which name. */
function whoIsAsked(
  { stripsPrefix }: GoAuthSettings,
  registered: readonly Registered[],
  username: string,
): { among: readonly Registered[]; name: string } {
  const end = username.indexOf('_')
  const prefix = end > 0 ? username.slice(0, end) : null
  const own = prefix === null ? undefined : registered.find((each) => each.prefix === prefix)
  if (own === undefined) return { among: registered, name: username }
  // A token with a prefix is no token.
  const strips = stripsPrefix || own.backend.name === 'jwt'
  return { among: [own], name: strips ? withoutPrefix(username, own.prefix) : username }
}

function withoutPrefix(username: string, prefix: string | null): string {
  return prefix !== null && username.startsWith(`${prefix}_`)
    ? username.slice(prefix.length + 1)
    : username
}

async function askLogin(
  settings: GoAuthSettings,
  registered: readonly Registered[],
  question: LoginQuestion,
  log: Log,
): Promise<Welcome | null | 'unavailable'> {
  const { among, name } = whoIsAsked(settings, registered, question.username)
  for (let left = settings.retries; ; left--) {
    let isUnsure = false
    for (const { backend, checks } of among) {
      if (!checks.includes('user')) continue
      try {
        const welcome = await backend.login({ ...question, username: name })
        if (welcome !== null) return welcome
      } catch (error) {
        isUnsure = true
        logFailure(log, backend, error)
      }
    }
    if (!isUnsure) return null
    if (left <= 0) return 'unavailable'
  }
}

/** A promise that rejects says that nobody allows it, and that one of those who were asked gave no answer. */
function askRight(
  settings: GoAuthSettings,
  registered: readonly Registered[],
  question: AclQuestion,
  log: Log,
): Verdict {
  const { among, name } = whoIsAsked(settings, registered, question.username)
  const own = { ...question, username: name }
  const superuser = askingOf(among, 'superuser', ({ isSuperuser }) => isSuperuser(name))
  const acl = askingOf(among, 'acl', ({ allows }) => allows(own))
  const order = settings.exhaustsBackendFirst
    ? among.flatMap(({ backend }) =>
        [...superuser, ...acl].filter((one) => one.backend === backend),
      )
    : [...superuser, ...acl]
  for (const [index, one] of order.entries()) {
    const answer = one.ask()
    if (answer === true) return true
    if (answer !== false) return laterYes(order.slice(index), answer, settings.retries, log)
  }
  return false
}

interface Asking {
  readonly backend: Backend
  ask(): Verdict
}

function askingOf(
  among: readonly Registered[],
  check: Check,
  ask: (backend: Backend) => Verdict,
): Asking[] {
  const able = among.filter(({ checks }) => checks.includes(check))
  return able.map(({ backend }) => ({ backend, ask: () => ask(backend) }))
}

/** @param first What the first of them answers. */
async function laterYes(
  order: readonly Asking[],
  first: Promise<boolean>,
  retries: number,
  log: Log,
): Promise<boolean> {
  let isUnsure = false
  let answer: Verdict = first
  for (const [index, one] of order.entries()) {
    for (let left = retries; ; left--) {
      try {
        if (index > 0 || left < retries) answer = one.ask()
        if (await answer) return true
        break
      } catch (error) {
        logFailure(log, one.backend, error)
        if (left > 0) continue
        isUnsure = true
        break
      }
    }
  }
  if (isUnsure) throw new Error('no answer')
  return false
}

function logFailure(log: Log, { name }: Backend, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error)
  log.write(LogType.error, `Error: go-auth's ${name} gave no answer: ${text}.`)
}
