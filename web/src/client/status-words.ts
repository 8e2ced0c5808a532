/** The state of a connection in words. */
import type { Text } from '../i18n/en.ts'
import type { Status } from '../protocol/protocol.ts'

/** A connection is lost only if there was one. */
export function statusWords({ kind, wasOnline }: Status, t: Text): string {
  return kind === 'waiting' && !wasOnline ? t.notConnected : t.statuses[kind]
}
