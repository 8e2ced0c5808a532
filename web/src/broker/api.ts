/** The broker's HTTP API, typed by its contract. Addresses are relative: the page works under any base path. */
import { CONTRACT, type Contract } from '../../../src/admin/contract.ts'
import type { Schema } from '../../../src/admin/schema.ts'
import { createStore } from '../ui/store.ts'
import { noteAnswer, noteSilence, reach } from './reach.ts'
import { brokerTextNow } from './text.ts'

type Name = keyof Contract
type Of<S> = S extends Schema<infer T> ? T : never
type ReplyOf<N extends Name> = Of<NonNullable<Contract[N]['reply']>>
type QueryOf<N extends Name> = Of<NonNullable<Contract[N]['query']>>
type BodyOf<N extends Name> = Of<NonNullable<Contract[N]['body']>>

interface Asked<N extends Name> {
  query?: QueryOf<N>
  body?: BodyOf<N>
  /** Parts of the path, such as `id`. */
  params?: Record<string, string>
}

/** The API said no; `status` 401: log in first; 0: nobody answered; -1: what answers is no Mozzie broker. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

type SessionInfo = ReplyOf<'session'>

interface ApiState {
  readonly session: SessionInfo | null
  /** Why there is no session to speak of. */
  readonly problem: ApiError | null
}

export const api = createStore<ApiState>({ session: null, problem: null })

export function urlOf(
  name: Name,
  {
    query,
    params = {},
  }: { query?: object | null | undefined; params?: Record<string, string> } = {},
): string {
  const path = CONTRACT[name].url.replaceAll(/:(\w+)/g, (_, part: string) =>
    encodeURIComponent(params[part] ?? ''),
  )
  const url = new URL(path.slice(1), document.baseURI)
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') url.searchParams.set(key, String(value))
  }
  return url.href
}

/**
 * A question that is not answered by then, nor any other that was asked meanwhile, says that the broker does not respond; the
 * answer may still come.
 */
const SILENT_MS = 4000
const GIVE_UP_MS = 20_000

const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 503, 504])

/** Rejects with ApiError. */
export async function call<N extends Name>(name: N, asked: Asked<N> = {}): Promise<ReplyOf<N>> {
  const { method } = CONTRACT[name]
  const token = api.get().session?.csrfToken
  const headers: Record<string, string> = { accept: 'application/json' }
  // Where nobody logs in any value proves enough: no foreign page can set the header.
  if (method !== 'GET') headers['x-csrf-token'] = token ?? 'page'
  if (asked.body !== undefined) headers['content-type'] = 'application/json'
  const isQuestion = method === 'GET'
  const askedMs = Date.now()
  const look = (): void => {
    if (reach.get().heardAtMs <= askedMs) noteSilence()
  }
  const silent = isQuestion ? setTimeout(look, SILENT_MS) : undefined
  let response: Response
  try {
    response = await fetch(urlOf(name, asked), {
      method,
      headers,
      credentials: 'same-origin',
      ...(isQuestion && { signal: AbortSignal.timeout(GIVE_UP_MS) }),
      ...(asked.body !== undefined && { body: JSON.stringify(asked.body) }),
    })
  } catch {
    noteSilence()
    throw new ApiError(0, brokerTextNow().brokerGone)
  } finally {
    clearTimeout(silent)
  }
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  // A proxy whose broker is gone answers for it.
  if (!isJson && GATEWAY_ERRORS.has(response.status)) {
    noteSilence()
    throw new ApiError(0, brokerTextNow().brokerGone)
  }
  if (!isJson) throw new ApiError(-1, brokerTextNow().noApi)
  noteAnswer(response.headers.get('date'))
  const value: unknown = await response.json()
  if (!response.ok) {
    const message = (value as { message?: string }).message ?? response.statusText
    if (response.status === 401) await refreshSession()
    throw new ApiError(response.status, brokerTextNow().problem(message))
  }
  return value as ReplyOf<N>
}

let isAsking = false

/** Asks who we are; afterwards the store says so. One question at a time: a broker that hangs is not asked more and more. */
export async function refreshSession(): Promise<void> {
  if (isAsking) return
  isAsking = true
  try {
    api.set({ session: await call('session'), problem: null })
  } catch (error) {
    const problem = error instanceof ApiError ? error : new ApiError(-1, String(error))
    // What is on the screen stays there, marked as old, while the broker is away.
    if (problem.status === 0 && api.get().session !== null) return
    api.set({ session: null, problem })
  } finally {
    isAsking = false
  }
}

/** Many parts ask once and then show what came: a broker that has said nothing for so long is asked whether it is there. */
const QUIET_MS = 3000

/** To be called every second while somebody looks. */
export async function listen(): Promise<void> {
  const isSeen = document.visibilityState === 'visible'
  if (isAsking || !isSeen || Date.now() - reach.get().heardAtMs < QUIET_MS) return
  isAsking = true
  try {
    await call('session')
  } catch {
    // What is to be said of it has been noted.
  } finally {
    isAsking = false
  }
}

export async function login(username: string, password: string): Promise<void> {
  api.set({ session: await call('login', { body: { username, password } }), problem: null })
}

export async function logout(): Promise<void> {
  await call('logout')
  await refreshSession()
}

export type Cluster = ReplyOf<'cluster'>
export type ConfigRow = ReplyOf<'config'>['rows'][number]
export type Overview = ReplyOf<'overview'>
export type Sample = Overview['now']
export type History = ReplyOf<'history'>
export type ClientRow = ReplyOf<'clients'>['items'][number]
export type ClientDetail = ReplyOf<'client'>
export type ClientsQuery = QueryOf<'clients'>
export type Receivers = ReplyOf<'receivers'>
export type RetainedRow = ReplyOf<'retained'>['items'][number]
export type PurgeReply = ReplyOf<'retainedPurge'>
export type AclReply = ReplyOf<'aclTest'>
export type AclQuery = QueryOf<'aclTest'>
export type Trace = ReplyOf<'traces'>['traces'][number]
export type TracePacket = ReplyOf<'tracePackets'>['packets'][number]
export type WhyReply = ReplyOf<'why'>
export type WhyQuery = QueryOf<'why'>
export type UsersReply = ReplyOf<'users'>
export type BanBody = BodyOf<'banMake'>
export type UserCommand = BodyOf<'userCommands'>['commands'][number]
export type RightsQuery = QueryOf<'userRights'>
export type LogLine = ReplyOf<'log'>['lines'][number]
