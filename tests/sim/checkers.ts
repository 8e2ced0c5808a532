/** What must be true of a run, whatever broke in it. */
import type { Qos } from '../../src/codec/packets.ts'
import { matches } from '../../src/topics/names.ts'
import type { SimClient } from './client.ts'

/** One message of a publisher. */
export interface Sent {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly publisher: string
  readonly serial: number
  readonly sentMs: number
  /** When its last acknowledgement came; Infinity: none did. */
  ackedMs: number
  /** Sent in the calm after everything: nothing may be missing. */
  readonly calm: boolean
}

/** A time in which a subscription stood, for sure; and the wider one in which it may have. */
export interface Standing {
  askedMs: number
  grantedMs: number
  leavingMs: number
  leftMs: number
}

export interface Subscriber {
  readonly client: SimClient
  readonly filter: string
  readonly qos: Qos
  readonly standing: Standing[]
}

function mustHave(sent: Sent, { client, qos, standing }: Subscriber): boolean {
  if (!client.durable) return sent.calm
  if (Math.min(sent.qos, qos) === 0)
    return sent.calm && standing.some((each) => each.leavingMs === Infinity)
  const { sentMs, ackedMs } = sent
  return standing.some((each) => each.grantedMs <= sentMs && ackedMs <= each.leavingMs)
}

function mayHave(sent: Sent, { client, standing }: Subscriber): boolean {
  if (!client.durable) return true
  const { sentMs, ackedMs } = sent
  return standing.some((each) => each.askedMs <= ackedMs && sentMs <= each.leftMs)
}

/**
 * QoS 1 at least once and QoS 2 exactly once in durable sessions, what was published at QoS 0 at most once, and
 * only what was asked for.
 */
export function checkDelivery(all: readonly Sent[], subscriber: Subscriber): string[] {
  const { client, filter, qos } = subscriber
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const { payload } of client.received) counts.set(payload, (counts.get(payload) ?? 0) + 1)
  for (const sent of all) {
    const count = counts.get(sent.payload) ?? 0
    const what = `${sent.payload.slice(0, 20).trim()} (QoS ${sent.qos})`
    const isWanted = matches(filter, sent.topic)
    if (count > 0 && (!isWanted || !mayHave(sent, subscriber)))
      problems.push(`${client.id}: not for it: ${what}`)
    if (isWanted && count === 0 && mustHave(sent, subscriber))
      problems.push(`${client.id}: lost ${what}`)
    // A QoS 1 or 2 publisher says it again after a crash; only a QoS 2 session remembers that it has it.
    const isOnce = sent.qos === 0 || (client.durable && qos === 2 && sent.qos === 2)
    if (count > 1 && isOnce) problems.push(`${client.id}: ${count} times ${what}`)
  }
  return problems
}

/**
 * First deliveries of one publisher, topic and QoS come in the order they were sent [MQTT-4.6.0-6]. A message
 * from before the subscription may be said again after it, and out of order then: it is not looked at.
 */
export function checkOrder(all: readonly Sent[], subscriber: Subscriber): string[] {
  const { client } = subscriber
  const problems: string[] = []
  const seen = new Set<string>()
  const last = new Map<string, number>()
  for (const { payload } of client.received) {
    const sent = all[Number(payload.split(' ')[1])]
    if (sent === undefined || seen.has(payload) || !mustHave(sent, subscriber)) continue
    seen.add(payload)
    const key = `${sent.publisher} ${sent.topic} ${sent.qos}`
    if ((last.get(key) ?? -1) > sent.serial)
      problems.push(`${client.id}: late ${payload.slice(0, 20)}`)
    last.set(key, sent.serial)
  }
  return problems
}

/** The protocol was kept towards this client, and its window. */
export function checkManners(client: SimClient, windowMax: number): string[] {
  const problems = [...client.violations]
  const own = client.version === 5 ? client.options.receiveMaximum : undefined
  const window = own ?? windowMax
  if (client.largestWindow > window)
    problems.push(`${client.id}: ${client.largestWindow} messages in flight, ${window} allowed`)
  return problems
}
