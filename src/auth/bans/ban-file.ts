/** The file of bans: strict about its shape, for a ban that is overlooked lets somebody in. */
import { statSync } from 'node:fs'
import { AuthFileError, readAuthFile } from '../auth-file.ts'
import { isObject, type JsonObject } from '../json-fields.ts'
import { normalTarget, type Ban } from './ban-list.ts'

export interface BanFile {
  readonly bans: readonly Ban[]
  /** The highest id ever given. */
  readonly lastId: number
}

export function formatBans({ bans, lastId }: BanFile): string {
  const rows = bans.map(({ id, clientId, username, address, untilMs, reason, by, madeAtMs }) => ({
    id,
    ...(clientId === null ? {} : { clientid: clientId }),
    ...(username === null ? {} : { username }),
    ...(address === null ? {} : { address }),
    ...(untilMs === null ? {} : { until: timeText(untilMs) }),
    reason,
    by,
    made: timeText(madeAtMs),
  }))
  return `${JSON.stringify({ lastId, bans: rows }, null, '\t')}\n`
}

/** Wall clock in ms as people read it. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/** Without the file nobody is banned: `text` is empty then. @throws AuthFileError with the place that is wrong. */
export function readBans(file: string): BanFile & { readonly text: string } {
  if (isMissing(file)) return { bans: [], lastId: 0, text: '' }
  const { text } = readAuthFile('ban_file', file, false)
  return { ...parseBans(text, file), text }
}

/** One that may not be looked at is not missing. */
function isMissing(file: string): boolean {
  try {
    statSync(file)
    return false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR'
  }
}

/** Room for all that are ever given stays behind the highest. */
const ID_MAX = 1e15

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= ID_MAX
}

/** @throws AuthFileError with the place that is wrong. */
export function parseBans(text: string, file: string): BanFile {
  let root: unknown
  try {
    root = JSON.parse(text) as unknown
  } catch (error) {
    throw new AuthFileError(`ban_file ${file}: this is no JSON: ${(error as Error).message}`, file)
  }
  const list = isObject(root) ? root['bans'] : undefined
  if (!isObject(root) || !Array.isArray(list)) throw damaged(file, 'it', 'has no list "bans"')
  const bans = list.map((row, index) => {
    const place = `bans[${index}]`
    if (!isObject(row)) throw damaged(file, place, 'is no object')
    return banOf(row, (what) => damaged(file, place, what))
  })
  if (new Set(bans.map(({ id }) => id)).size < bans.length)
    throw damaged(file, 'bans', 'has one "id" twice')
  const lastId = root['lastId'] ?? 0
  if (!isId(lastId)) throw damaged(file, 'it', 'has a "lastId" that is none')
  return { bans, lastId: Math.max(lastId, ...bans.map(({ id }) => id)) }
}

function banOf(row: JsonObject, wrong: (what: string) => AuthFileError): Ban {
  const text = (key: string): string | null => {
    const value = row[key]
    if (value === undefined) return null
    if (typeof value !== 'string') throw wrong(`has a "${key}" that is no text`)
    return value
  }
  const time = (key: string): number | null => {
    const value = text(key)
    if (value === null) return null
    const wallMs = Date.parse(value)
    if (Number.isNaN(wallMs)) throw wrong(`has a "${key}" that is no time: ${value}`)
    return wallMs
  }
  const { id } = row
  if (!isId(id) || id === 0) throw wrong('has no "id"')
  const [clientId, username, address] = [text('clientid'), text('username'), text('address')]
  if (clientId === null && username === null && address === null)
    throw wrong('names no clientid, username or address')
  const target = normalTarget({ clientId, username, address })
  if (target === null) throw wrong(`has an "address" that is none: ${address}`)
  return {
    id,
    ...target,
    untilMs: time('until'),
    reason: text('reason') ?? '',
    by: text('by') ?? '',
    madeAtMs: time('made') ?? 0,
  }
}

function damaged(file: string, place: string, what: string): AuthFileError {
  return new AuthFileError(`ban_file ${file}: ${place} ${what}`, file)
}
