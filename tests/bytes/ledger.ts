/**
 * Who is owed what. Each receiver is owed, of each topic, the messages of it in the order in which they were published;
 * topics have one publisher and one QoS, for only that order is promised [MQTT-4.6.0-6].
 *
 *     published ──▶ every stream that its topic belongs to ──▶ came: the next of its stream, or one too early, or nobody's
 */
import type { Qos, Version } from '../model/steps.ts'
import { describePayload } from './content.ts'

/** A message as it was published. */
export interface Published {
  /** Whole, with the mount point of its publisher. */
  readonly topic: string
  readonly sender: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payload: Buffer
  /** What is passed on unchanged, as one comparable text. */
  readonly forwarded: string
  /** Seconds; -1: none. */
  readonly expirySeconds: number
}

/** A message as it came. */
export interface Came {
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly payload: Buffer
  readonly forwarded: string
  readonly expirySeconds: number
  readonly subscriptionId: number
}

export interface Subscribed {
  /** Whole, without `$share/group/`. */
  readonly filter: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly subscriptionId: number
}

/** One who is owed messages: a receiver's subscription, or a group with all of its members. */
export interface Owed {
  readonly name: string
  readonly clientId: string
  readonly version: Version
  readonly subscribed: Subscribed
  /** Prefix that it does not see. */
  readonly mount: string
  /** Bytes of a packet that it takes; Infinity: any. */
  readonly packetBytesMax: number
  /** Not every message need come: a bound is in the way. */
  readonly mayMiss: (published: Published) => boolean
  /** What came may come once more: a connection or a broker was lost in between. */
  readonly mayRepeat: boolean
  /** Members take their turns. */
  readonly isGroup: boolean
  readonly streams: Map<string, Stream>
}

interface Stream {
  readonly owed: Published[]
  readonly taken: boolean[]
  /** Before it all came, or may be missed. */
  next: number
}

/** One client that takes packets of any size, lives below no mount point and never leaves, unless `it` says so. */
export function newOwed(
  it: Partial<Owed> & Pick<Owed, 'name' | 'clientId' | 'version' | 'subscribed' | 'mayMiss'>,
): Owed {
  const streams = new Map<string, Stream>()
  return { mount: '', packetBytesMax: Infinity, mayRepeat: false, isGroup: false, streams, ...it }
}

/** Bytes of the PUBLISH as a receiver of the version gets it, without alias. */
function frameBytes(
  owed: Owed,
  { topic, payload, qos, forwarded, expirySeconds }: Published,
): number {
  const { version, subscribed, mount } = owed
  const level = Math.min(qos, subscribed.qos)
  let properties = 0
  if (version === 5) {
    properties = Buffer.from(forwarded, 'latin1').length
    if (expirySeconds >= 0) properties += 5
    if (subscribed.subscriptionId > 0) properties += 1 + lengthBytes(subscribed.subscriptionId)
    properties += lengthBytes(properties)
  }
  const topicBytes = Buffer.byteLength(topic) - Buffer.byteLength(mount)
  const length = 2 + topicBytes + (level > 0 ? 2 : 0) + properties + payload.length
  return 1 + lengthBytes(length) + length
}

function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

export class Ledger {
  readonly owed: Owed[] = []
  published = 0
  came = 0
  /** Of any kind, to anybody. */
  packets = 0
  bytes = 0

  /** Notes a message for all who are owed it. */
  publish(message: Published): void {
    this.published++
    for (const owed of this.owed) {
      const { subscribed, clientId, streams, packetBytesMax } = owed
      if (!matches(subscribed.filter, message.topic)) continue
      if (subscribed.noLocal && clientId === message.sender) continue
      if (frameBytes(owed, message) > packetBytesMax) continue
      let stream = streams.get(message.topic)
      if (stream === undefined) {
        stream = { owed: [], taken: [], next: 0 }
        streams.set(message.topic, stream)
      }
      stream.owed.push(message)
      stream.taken.push(false)
    }
  }

  /** null: it is what was due. */
  take(owed: Owed, came: Came): string | null {
    this.came++
    this.bytes += came.payload.length
    const stream = owed.streams.get(owed.mount + came.topic)
    if (stream === undefined) return 'nothing is owed on that topic'
    const { owed: due, taken } = stream
    let difference: string | null = null
    for (let index = stream.next; index < due.length; index++) {
      if (taken[index]) continue
      const isSame = due[index].payload.equals(came.payload)
      const problem = isSame ? compare(owed, due[index], came) : null
      if (isSame && problem === null) return this.tick(owed, stream, index)
      difference ??= problem
      if (!owed.isGroup && !owed.mayMiss(due[index])) break
    }
    return this.takeAgain(owed, stream, came, difference)
  }

  private tick({ isGroup }: Owed, stream: Stream, index: number): null {
    stream.taken[index] = true
    if (isGroup) while (stream.taken[stream.next]) stream.next++
    else stream.next = index + 1
    return null
  }

  private takeAgain(
    owed: Owed,
    { owed: due, taken, next }: Stream,
    came: Came,
    difference: string | null,
  ): string | null {
    const level = due.length > 0 ? Math.min(due[0].qos, owed.subscribed.qos) : 0
    const index = due.findIndex(({ payload }, at) => taken[at] && payload.equals(came.payload))
    if (index >= 0 && level === 1 && owed.mayRepeat) return null
    if (difference !== null) return difference
    const what = index >= 0 ? `number ${index} came before` : 'nobody published that'
    return `${what}; due is ${next} of ${due.length}: ${due[next] === undefined ? 'nothing' : describePayload(due[next].payload)}`
  }

  /** A client is gone for good: nothing is owed to it any more. */
  forget(clientId: string): void {
    this.owed.splice(0, Infinity, ...this.owed.filter((each) => each.clientId !== clientId))
  }

  /** What did not come, in words; `most`: so many at most. */
  missing(most: number): string[] {
    const found: string[] = []
    for (const owed of this.owed)
      for (const [topic, { owed: due, taken, next }] of owed.streams)
        for (let index = next; index < due.length; index++) {
          if (found.length === most) return found
          if (taken[index] || owed.mayMiss(due[index])) continue
          const what = describePayload(due[index].payload)
          found.push(`${owed.name} lacks ${index} of ${due.length} on ${shorten(topic)}: ${what}`)
        }
    return found
  }
}

function compare(owed: Owed, published: Published, came: Came): string | null {
  const { subscribed, version } = owed
  const qos = Math.min(published.qos, subscribed.qos)
  if (came.qos !== qos) return `QoS ${came.qos} instead of ${qos}`
  const retain = published.retain && subscribed.retainAsPublished
  if (came.retain !== retain) return `retain ${came.retain}`
  if (version !== 5) return null
  if (came.forwarded !== published.forwarded)
    return `properties ${came.forwarded.slice(0, 100)} instead of ${published.forwarded.slice(0, 100)}`
  const { expirySeconds } = published
  const isLived = came.expirySeconds >= 0 === expirySeconds >= 0
  if (!isLived || came.expirySeconds > expirySeconds) return `expiry ${came.expirySeconds}`
  return null
}

export function shorten(topic: string): string {
  return topic.length < 60 ? topic : `${topic.slice(0, 40)}…(${topic.length})`
}

export function matches(filter: string, topic: string): boolean {
  const levels = topic.split('/')
  const wanted = filter.split('/')
  for (let at = 0; at < wanted.length; at++) {
    if (wanted[at] === '#') return true
    if (at >= levels.length || (wanted[at] !== '+' && wanted[at] !== levels[at])) return false
  }
  return wanted.length === levels.length
}
