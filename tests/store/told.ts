/** Listens to a store: keeps all it tells, in order, and lets a test wait for it. */
import assert from 'node:assert/strict'
import { createMessage, type Message } from '../../src/ports/message.ts'
import type { StoreEvents } from '../../src/ports/store.ts'
import { processMsMax } from '../support/patience.ts'

type Name = keyof StoreEvents
type Arguments<N extends Name> = Parameters<NonNullable<StoreEvents[N]>>

interface Event {
  readonly name: Name
  readonly args: unknown[]
}

export class Told {
  readonly log: Event[] = []
  readonly events: StoreEvents
  private readonly seen = new Map<Name, number>()
  private waiting: (() => void)[] = []

  constructor() {
    const note =
      <N extends Name>(name: N) =>
      (...args: Arguments<N>) => {
        this.log.push({ name, args })
        for (const wake of this.waiting.splice(0)) wake()
      }
    this.events = {
      session: note('session'),
      route: note('route'),
      retained: note('retained'),
      delayed: note('delayed'),
      ready: note('ready'),
      claimed: note('claimed'),
      page: note('page'),
      lost: note('lost'),
      arrived: note('arrived'),
      overflowed: note('overflowed'),
      committed: note('committed'),
      failed: note('failed'),
    }
  }

  /** Everything of one kind told so far. */
  all<N extends Name>(name: N): Arguments<N>[] {
    return this.log.filter((event) => event.name === name).map(({ args }) => args as Arguments<N>)
  }

  /** The next event of this kind that was not handed out yet; what does not come within {@link processMsMax} fails. */
  async next<N extends Name>(name: N): Promise<Arguments<N>> {
    const index = this.seen.get(name) ?? 0
    this.seen.set(name, index + 1)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      for (const wake of this.waiting.splice(0)) wake()
    }, processMsMax)
    // Nobody need wait for it to the end: a file of tests ends without.
    timer.unref()
    try {
      for (;;) {
        const found = this.all(name)[index]
        if (found !== undefined) return found
        if (isLate) assert.fail(`told: ${this.log.map((event) => event.name).join()}; not: ${name}`)
        await new Promise<void>((resolve) => void this.waiting.push(resolve))
      }
    } finally {
      clearTimeout(timer)
    }
  }
}

export function messageOf(topic: string, payload: string): Message {
  return createMessage({
    topic,
    payload: new TextEncoder().encode(payload),
    qos: 1,
    retain: false,
    properties: { messageExpirySeconds: 60, contentType: 'text', userProperties: [['a', 'b']] },
    publisher: 'publisher',
    publisherUser: '\0user',
    wallMs: 1e12,
  })
}

/** All of a message that must come back as it was. */
export function contentOf(message: Message) {
  const { topicName, qos, retain, expiresAtMs, publisher, publisherUser, size } = message
  const properties = message.properties.slice(message.propertiesStart, message.propertiesEnd)
  const topic = message.topic.slice(message.topicStart, message.topicEnd)
  const payload = textOf(message)
  return {
    topicName,
    topic,
    payload,
    properties,
    qos,
    retain,
    expiresAtMs,
    publisher,
    publisherUser,
    size,
  }
}

export function textOf(message: Message): string {
  return new TextDecoder().decode(message.payloadBytes())
}
