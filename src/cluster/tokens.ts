/** Names as parts of a NATS subject, which may be of any length and any characters as MQTT's are. */
import { createHash } from 'node:crypto'

/** A name as one token. */
export function tokenFor(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

/** Which of `count` partitions a token belongs to. */
export function partitionOf(token: string, count: number): number {
  return Number.parseInt(token.slice(0, 8), 16) % count
}
