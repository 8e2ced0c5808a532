/** What a store must hold, kept beside it by the simulator. */
import type { Qos } from '../../src/codec/packets.ts'

export interface Entry {
  readonly text: string
  readonly size: number
  readonly qos: Qos
  readonly released: boolean
}

export interface ModelSession {
  readonly queue: Map<number, Entry>
  readonly filters: Set<string>
  readonly inbound: Map<number, string>
  lastSequence: number
}

/** What the store must hold. */
export type Model = Map<string, ModelSession>

export function copyOf(model: Model): Model {
  return new Map(
    [...model].map(([clientId, { queue, filters, inbound, lastSequence }]) => [
      clientId,
      {
        queue: new Map(queue),
        filters: new Set(filters),
        inbound: new Map(inbound),
        lastSequence,
      },
    ]),
  )
}

/** All of a session, as text: equal texts, equal sessions. */
function shown({ queue, filters, inbound }: ModelSession): string {
  const entries = [...queue].sort(([a], [b]) => a - b)
  const queued = entries.map(
    ([n, { text, qos, released }]) => `${n}:${text}/${qos}${released ? 'R' : ''}`,
  )
  return `${queued.join(' ')} | ${[...filters].sort().join(' ')} | ${[...inbound].sort().join(' ')}`
}

/** All of it, as text: equal texts, equal models. */
export function describe(model: Model): string {
  return [...model]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([clientId, session]) => `${clientId} ${shown(session)}`)
    .join('\n')
}

export function newSession(): ModelSession {
  return { queue: new Map(), filters: new Set(), inbound: new Map(), lastSequence: 0 }
}
