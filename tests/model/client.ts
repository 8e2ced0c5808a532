/** What the far end of a line remembers, and the packets that it makes of steps. */
import type { Packet } from 'mqtt-packet'
import type { Sent } from './sent.ts'
import type { Connection } from './state.ts'
import type { AckName, PacketStep, Version } from './steps.ts'
import type { Line } from './target.ts'
import {
  ackPacket,
  bytesOf,
  createReader,
  forwardedOf,
  RICH,
  type Reader,
  type Seen,
} from './wire.ts'

type Publish = Extract<Sent, { do: 'publish' }>

/** QoS 2 of a client that it has not released, by client id: it survives its connections. */
export interface Memory {
  unreleased: { id: number; packet: Publish; sentOn: Connection }[]
  lastId: number
}

export interface Client {
  readonly line: Line
  readonly connection: Connection
  memory: Memory
  version: Version
  reader: Reader | null
  /** Acknowledgements that are due, oldest first. */
  owed: { cmd: AckName; id: number }[]
  readonly inbox: Seen[]
}

export function newMemory(): Memory {
  return { unreleased: [], lastId: 0 }
}

function nextId(memory: Memory): number {
  do memory.lastId = (memory.lastId % 65535) + 1
  while (memory.unreleased.some(({ id }) => id === memory.lastId))
  return memory.lastId
}

/** Reads what came; keeps in mind what it has to answer. */
export function readLine(client: Client): void {
  for (const bytes of client.line.take()) {
    client.reader ??= createReader(client.version, (seen) => void client.inbox.push(seen))
    client.reader.read(bytes)
  }
}

export function noteSeen(client: Client, seen: Seen): void {
  const due = (cmd: AckName) => client.owed.push({ cmd, id: seen.id })
  if (seen.cmd === 'publish' && seen.qos === 1) due('puback')
  else if (seen.cmd === 'publish' && seen.qos === 2) due('pubrec')
  else if (seen.cmd === 'pubrel') due('pubcomp')
  else if (seen.cmd === 'connack' && !seen.sessionPresent) forgetBefore(client)
  else if (seen.cmd === 'pubcomp' || (seen.cmd === 'pubrec' && seen.code >= 0x80))
    client.memory.unreleased = client.memory.unreleased.filter(({ id }) => id !== seen.id)
}

/** There is no session that would know of it. */
function forgetBefore({ memory, connection }: Client): void {
  memory.unreleased = memory.unreleased.filter(({ sentOn }) => sentOn === connection)
}

/** A step with its blanks filled in; null: there is nothing it could mean now. */
export interface Filled {
  readonly sent: Sent
  readonly bytes: Uint8Array
  /** Of the will. */
  readonly payload: string
}

export function fill(client: Client, step: PacketStep, name: () => string): Filled | null {
  const payload = step.do === 'connect' && step.will ? name() : ''
  const made = step.do === 'connect' ? connect(step, payload) : make(client, step, name)
  if (made === null) return null
  return {
    sent: made[0],
    bytes: bytesOf(made[1], made[0].do === 'connect' ? made[0].version : client.version),
    payload,
  }
}

type Made = [Sent, Packet] | null

function make(
  client: Client,
  step: Exclude<PacketStep, { do: 'connect' }>,
  name: () => string,
): Made {
  const { memory } = client
  const is5 = client.version === 5
  switch (step.do) {
    case 'disconnect': {
      const { reason = 0, expirySeconds: sessionExpiryInterval } = step
      const properties = sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval }
      return [step, { cmd: 'disconnect', reasonCode: reason, properties }]
    }
    case 'subscribe':
      return subscribe(client, step)
    case 'unsubscribe': {
      const id = nextId(memory)
      const unsubscriptions = [...step.filters]
      const sent = { do: 'unsubscribe', id, filters: step.filters } as const
      return [sent, { cmd: 'unsubscribe', messageId: id, unsubscriptions }]
    }
    case 'publish':
      return publish(client, step, name)
    case 'again': {
      const held = memory.unreleased[step.nth % memory.unreleased.length]
      if (held === undefined) return null
      const sent = is5 ? held.packet : withoutProperties(held.packet)
      return [sent, publishPacket(sent, true)]
    }
    case 'release': {
      const held = memory.unreleased[step.nth % memory.unreleased.length]
      return held === undefined ? null : ack('pubrel', held.id, 0)
    }
    case 'ack': {
      const owed = client.owed[step.nth % client.owed.length]
      if (owed === undefined) return null
      client.owed = client.owed.filter((each) => each !== owed)
      const cmd = step.as ?? owed.cmd
      return ack(cmd, owed.id, is5 && cmd === 'pubrec' ? (step.reason ?? 0) : 0)
    }
    case 'stray':
      return ack(step.as, step.id, 0)
    case 'ping':
      return [step, { cmd: 'pingreq' }]
  }
}

function subscribe(client: Client, step: Extract<PacketStep, { do: 'subscribe' }>): Made {
  const id = nextId(client.memory)
  const { filters, subscriptionId = 0 } = step
  const subscriptions = filters.map((each) => ({
    topic: each.filter,
    qos: each.qos,
    ...(client.version === 5 && {
      nl: each.noLocal === true,
      rap: each.retainAsPublished === true,
      rh: each.retainHandling ?? 0,
    }),
  }))
  const properties = subscriptionId > 0 ? { subscriptionIdentifier: subscriptionId } : {}
  const packet: Packet = { cmd: 'subscribe', messageId: id, subscriptions, properties }
  return [{ do: 'subscribe', id, filters, subscriptionId }, packet]
}

function ack(cmd: AckName, id: number, reason: number): Made {
  return [{ do: 'ack', cmd, id, reason }, ackPacket(cmd, id, reason)]
}

function publish(
  client: Client,
  step: Extract<PacketStep, { do: 'publish' }>,
  name: () => string,
): Made {
  const is5 = client.version === 5
  const { memory } = client
  const sent: Publish = {
    do: 'publish',
    id: step.qos === 0 ? 0 : nextId(memory),
    topic: is5 && step.aliasOnly ? '' : step.topic,
    alias: is5 ? (step.alias ?? -1) : -1,
    qos: step.qos,
    retain: step.retain === true,
    payload: step.empty ? '' : name() + '.'.repeat(step.more ?? 0),
    expirySeconds: is5 ? (step.expirySeconds ?? -1) : -1,
    forwarded: is5 && step.rich ? forwardedOf(RICH) : '',
  }
  if (step.qos === 2)
    memory.unreleased.push({ id: sent.id, packet: sent, sentOn: client.connection })
  return [sent, publishPacket(sent, false)]
}

/** Of a message that was first sent by 5.0. */
function withoutProperties(sent: Publish): Publish {
  return { ...sent, alias: -1, expirySeconds: -1, forwarded: '' }
}

function publishPacket(sent: Publish, dup: boolean): Packet {
  const { topic, payload, qos, retain, id, alias, expirySeconds, forwarded } = sent
  const properties = {
    ...(forwarded !== '' && RICH),
    ...(alias >= 0 && { topicAlias: alias }),
    ...(expirySeconds >= 0 && { messageExpiryInterval: expirySeconds }),
  }
  // The writer knows Buffer, its types do not take what is readonly.
  const packet = { cmd: 'publish', topic, payload, qos, retain, dup, messageId: id, properties }
  return packet as unknown as Packet
}

function connect(step: Extract<PacketStep, { do: 'connect' }>, payload: string): Made {
  const is5 = step.version === 5
  const { will, expirySeconds, receiveMaximum, maximumPacketSize, aliasMaximum } = step
  const properties = {
    ...(expirySeconds !== undefined && { sessionExpiryInterval: expirySeconds }),
    ...(receiveMaximum !== undefined && { receiveMaximum }),
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(aliasMaximum !== undefined && { topicAliasMaximum: aliasMaximum }),
  }
  const willProperties = will && {
    ...(will.delaySeconds !== undefined && { willDelayInterval: will.delaySeconds }),
    ...(will.expirySeconds !== undefined && { messageExpiryInterval: will.expirySeconds }),
  }
  const packet: Packet = {
    cmd: 'connect',
    clientId: step.id,
    protocolVersion: step.version,
    clean: step.clean,
    keepalive: step.keepAliveSeconds ?? 0,
    ...(is5 && { properties }),
    ...(will && {
      will: {
        topic: will.topic,
        payload: Buffer.from(payload),
        qos: will.qos,
        retain: will.retain,
        ...(is5 && { properties: willProperties }),
      },
    }),
  }
  return [step, packet]
}
