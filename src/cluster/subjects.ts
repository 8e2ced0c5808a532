/**
 * MQTT's topics as NATS' subjects, so that a subject matches exactly what the filter it was made of matches.
 *
 *     a/b    PREFIX.t.a.b.%           every topic ends with the token `%` …
 *     a/+    PREFIX.t.a.*.%
 *     a/#    PREFIX.t.a.>             … so that `>`, which wants one token at least, matches the parent too
 *     a//b   PREFIX.t.a.%0.b.%        an empty level
 *     $SYS/# PREFIX.s.$SYS.>          a branch of its own: wildcards never reach it [MQTT-4.7.2-1]
 *
 * What a subject cannot hold is written as `%` and two hex digits for each byte of its UTF-8; a level is therefore never
 * `%` or `%0` by itself.
 */
import { createHash } from 'node:crypto'

/** Not in a subject, or of a meaning there: NATS' own signs, control characters, white space, and what is invisible. */
const UNSAFE = /[%.*>\p{Cc}\p{Cf}\p{Z}\s]/u
const UNSAFE_ALL = /[%.*>\p{Cc}\p{Cf}\p{Z}\s]/gu
const END = '%'
const EMPTY = '%0'

/** A subject longer than this goes by `overflowSubject`: a line too long for a server ends the whole connection. */
const SUBJECT_BYTES_MAX = 3500

const encoder = new TextEncoder()

function escaped(text: string): string {
  let written = ''
  for (const byte of encoder.encode(text)) written += `%${byte.toString(16).padStart(2, '0')}`
  return written
}

function tokenOf(level: string): string {
  if (level === '') return EMPTY
  return UNSAFE.test(level) ? level.replace(UNSAFE_ALL, escaped) : level
}

function branchOf(topic: string): string {
  return topic.startsWith('$') ? 's' : 't'
}

/** UTF-16 units are at most 3 bytes each: counting is needed only near the limit. */
function fits(subject: string): boolean {
  return subject.length * 3 <= SUBJECT_BYTES_MAX || Buffer.byteLength(subject) <= SUBJECT_BYTES_MAX
}

/** The subject that messages of a topic are published on; null: it would be too long, see {@link overflowSubject}. */
export function topicSubject(prefix: string, topic: string): string | null {
  const subject = `${prefix}.${branchOf(topic)}.${topic.split('/').map(tokenOf).join('.')}.${END}`
  return fits(subject) ? subject : null
}

/**
 * The subject whose messages are those of a valid, unshared filter; null: it would be too long, and matches no topic whose
 * own subject is not too long as well.
 */
export function filterSubject(prefix: string, filter: string): string | null {
  const levels = filter.split('/').map((level) => (level === '+' ? '*' : tokenOf(level)))
  const isOpen = filter === '#' || filter.endsWith('/#')
  if (isOpen) levels[levels.length - 1] = '>'
  else levels.push(END)
  const subject = `${prefix}.${branchOf(filter)}.${levels.join('.')}`
  return fits(subject) ? subject : null
}

/** Where messages go whose topic makes too long a subject: every node listens, and matches for itself. */
export function overflowSubject(prefix: string): string {
  return `${prefix}.o`
}

/** A name of any length and any characters as one token. */
export function tokenFor(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

/** Which of `count` partitions a token belongs to. */
export function partitionOf(token: string, count: number): number {
  return Number.parseInt(token.slice(0, 8), 16) % count
}
