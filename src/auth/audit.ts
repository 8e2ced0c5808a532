/** Who changed what of users and rights, when, and from where: one line of JSON each, and the last ones in memory. */
import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs'

export interface AuditAuthor {
  /** null: the broker itself, or a client without a user name. */
  readonly username: string | null
  readonly clientId: string
  /** `address:port`. */
  readonly address: string
  /** How the change came. */
  readonly via: 'mqtt' | 'http' | 'rule'
}

export interface AuditEntry extends AuditAuthor {
  /** Ascends while the broker runs. */
  readonly number: number
  /** Wall clock, ISO 8601. */
  readonly time: string
  readonly action: string
  /** Without secrets. */
  readonly details: Readonly<Record<string, unknown>>
}

export interface AuditChange {
  readonly action: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface AuditLog {
  note(author: AuditAuthor, change: AuditChange): void
  /** The last ones, the latest first. */
  recent(): AuditEntry[]
}

const KEPT_MAX = 1000
const TAIL_BYTES_MAX = 1 << 20
/** A file that is larger becomes FILE.1. */
const FILE_BYTES_MAX = 16 << 20
const DETAILS_CHARACTERS_MAX = 8192
/** Of details that are longer: so many of their texts, and so much of each. */
const CUT_FIELDS_MAX = 20
const CUT_CHARACTERS_MAX = 200
const HIDDEN = '(secret)'
/** To open a pipe that nobody reads, or writes, would keep the process waiting. */
const WITHOUT_WAITING = constants.O_NONBLOCK ?? 0
const TO_APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | WITHOUT_WAITING
const SECRET_KEYS = new Set(['password', 'encoded_password', 'salt'])

/** @param onError Told that a line could not be written; the change has happened all the same. */
export function createAuditLog(
  file: string,
  wallMs: () => number,
  onError: (error: Error) => void,
): AuditLog {
  const kept = lastOf(file)
  let number = kept.length
  return {
    note(author, { action, details }) {
      const time = new Date(wallMs()).toISOString()
      const entry = { number: ++number, time, ...author, action, details: noted(details) }
      kept.push(entry)
      if (kept.length > KEPT_MAX) kept.shift()
      try {
        append(file, entry)
      } catch (error) {
        onError(error as Error)
      }
    },
    recent: () => kept.toReversed(),
  }
}

function append(file: string, entry: AuditEntry): void {
  const { number: _, ...line } = entry
  const descriptor = openSync(file, TO_APPEND, 0o600)
  let isLarge = false
  try {
    appendFileSync(descriptor, `${JSON.stringify(line)}\n`)
    isLarge = fstatSync(descriptor).size > FILE_BYTES_MAX
  } finally {
    closeSync(descriptor)
  }
  if (isLarge) renameSync(file, `${file}.1`)
}

/** As it is noted: a command may be a megabyte, and nested so deeply that nobody could write it. */
function noted(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = withoutSecrets(details)
  try {
    if (JSON.stringify(shown).length <= DETAILS_CHARACTERS_MAX) return shown
  } catch {
    // Too deep.
  }
  const texts = Object.entries(shown)
    .slice(0, CUT_FIELDS_MAX)
    .flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[key.slice(0, CUT_CHARACTERS_MAX), value.slice(0, CUT_CHARACTERS_MAX)]]
        : [],
    )
  return { ...(Object.fromEntries(texts) as Record<string, unknown>), cut: true }
}

function withoutSecrets(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const pairs = Object.entries(details).map(([key, value]) => [
    key,
    SECRET_KEYS.has(key.toLowerCase()) ? HIDDEN : value,
  ])
  return Object.fromEntries(pairs) as Record<string, unknown>
}

/** The end of the file, as far as it can be read: lines that are none are left out. */
function lastOf(file: string): AuditEntry[] {
  const lines = tailOf(file).split('\n')
  return lines
    .flatMap((line, index) => {
      try {
        return [{ ...(JSON.parse(line) as AuditEntry), number: index + 1 }]
      } catch {
        return []
      }
    })
    .slice(-KEPT_MAX)
    .map((entry, index) => ({ ...entry, number: index + 1 }))
}

function tailOf(file: string): string {
  let descriptor = -1
  try {
    descriptor = openSync(file, constants.O_RDONLY | WITHOUT_WAITING)
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES_MAX))
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString()
  } catch {
    return ''
  } finally {
    if (descriptor >= 0) closeSync(descriptor)
  }
}
