/** The state of a connection in words. */
import type { Text } from '../i18n/en.ts'
import type { Status } from '../protocol/protocol.ts'

/** A connection is lost only if there was one. */
export function statusWords({ kind, wasOnline, silentSinceMs }: Status, t: Text): string {
  if (silentSinceMs !== null) return t.statuses.silent
  return kind === 'waiting' && !wasOnline ? t.notConnected : t.statuses[kind]
}

/** What the colour goes by: a connection that nobody answers on is not shown as a good one. */
export function statusKind({ kind, silentSinceMs }: Status): Status['kind'] {
  return silentSinceMs === null ? kind : 'waiting'
}
