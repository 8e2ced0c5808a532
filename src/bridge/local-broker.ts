/** What a bridge asks of the broker that it belongs to, `Broker` is one, and of the world. */
import type { Log } from '../base/log.ts'
import type { Runtime } from '../client/ports.ts'
import type { Qos } from '../codec/packets.ts'
import type { Link } from '../ports/ports.ts'

/** A connection of the core; only given back to it. */
export type LocalConnection = object

export interface LocalBroker {
  accept(link: Link): LocalConnection
  receive(connection: LocalConnection, bytes: Uint8Array, start: number, end: number): void
  linkDrained(connection: LocalConnection): void
  linkClosed(connection: LocalConnection, text: string): void
  publish(topic: string, payload: Uint8Array, options: { qos: Qos; retain: boolean }): number
  /** Messages that wait for the client of this id, sent and unacknowledged ones among them. */
  queuedFor(clientId: string): number
  /** Whether a message to the client of this id is under way under this packet identifier. */
  isUnderWay(clientId: string, packetId: number): boolean
  /** Filters that the client of this id is subscribed to. */
  filtersOf(clientId: string): string[]
  /** Identifiers of QoS 2 messages that were received from the client of this id and not released yet. */
  unreleasedOf(clientId: string): number[]
  /** Ends its session with all that waits. */
  forget(clientId: string): boolean
}

export interface BridgePorts {
  readonly broker: LocalBroker
  readonly runtime: Runtime
  readonly log: Log
  wallMs(): number
}
