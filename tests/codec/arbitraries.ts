import fc from 'fast-check'
import type { Packet, Properties, Qos, Version, WillPacket } from '../../src/codec/packets.ts'
import { isReasonAllowed } from '../../src/codec/reason-codes.ts'

/** Whether MQTT text may hold `character`: no controls, no non-characters. */
function isAllowed(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  return (code & 0xfffe) !== 0xfffe && (code < 0xfdd0 || code > 0xfdef)
}

/** Text that may go on the wire, with plenty beyond ASCII. */
const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((raw) => [...raw].filter(isAllowed).join(''))
const topic = text.map((raw) => `t${raw.replaceAll(/[+#]/g, '')}`)
const bytes = fc.uint8Array({ maxLength: 200 })
const packetId = fc.integer({ min: 1, max: 0xffff })
const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const flag = fc.constantFrom(0, 1)
const qos = fc.constantFrom<Qos>(0, 1, 2)
const userProperties = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 })
const subscriptionId = fc.integer({ min: 1, max: 268_435_455 })
const positive = (max: number) => fc.integer({ min: 1, max })

const message = {
  payloadFormat: flag,
  messageExpirySeconds: uint32,
  contentType: text,
  responseTopic: topic,
  correlationData: bytes,
  userProperties,
}
const session = {
  sessionExpirySeconds: uint32,
  receiveMaximum: positive(0xffff),
  topicAliasMaximum: uint16,
  maximumPacketSize: positive(0xffff_ffff),
  userProperties,
}
const explained = { reasonString: text, userProperties }

/** Plain objects, as the decoder makes them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
}

/** Any part of `model` in 5.0 and nothing below. */
function some(version: Version, model: Record<string, fc.Arbitrary<unknown>>) {
  if (version < 5) return fc.constant<Properties>({})
  return fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Properties>
}

/** A code that a packet of `type` may carry in 5.0. */
function code(type: number) {
  const codes = Array.from({ length: 256 }, (_, i) => i).filter((i) => isReasonAllowed(type, i))
  return fc.constantFrom(...codes)
}

function will(version: Version): fc.Arbitrary<WillPacket | null> {
  return fc.option(
    record({
      topic,
      payload: bytes,
      qos,
      retain: fc.boolean(),
      properties: some(version, { ...message, willDelaySeconds: uint32 }),
    }),
  )
}

function connect(version: Version): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant(1 as const),
    version: fc.constant(version),
    bridge: version < 5 ? fc.boolean() : fc.constant(false),
    cleanStart: fc.boolean(),
    keepAliveSeconds: uint16,
    clientId: text,
    will: will(version),
    username: fc.option(text),
    password: fc.option(bytes),
    properties: some(version, {
      ...session,
      requestProblemInformation: flag,
      requestResponseInformation: flag,
      authenticationMethod: text,
    }),
  }).map((packet) =>
    version < 5 && packet.username === null ? { ...packet, password: null } : packet,
  )
}

function connack(version: Version): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant(2 as const),
    sessionPresent: version === 3 ? fc.constant(false) : fc.boolean(),
    code: version === 5 ? code(2) : fc.integer({ min: 0, max: 5 }),
    properties: some(version, {
      ...session,
      ...explained,
      assignedClientId: text,
      serverKeepAliveSeconds: uint16,
      responseInformation: text,
      serverReference: text,
      maximumQos: flag,
      retainAvailable: flag,
      wildcardSubscriptionAvailable: flag,
      subscriptionIdsAvailable: flag,
      sharedSubscriptionAvailable: flag,
    }),
  }).map((packet) => (packet.code === 0 ? packet : { ...packet, sessionPresent: false }))
}

function publish(version: Version): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant(3 as const),
    dup: fc.boolean(),
    qos,
    retain: fc.boolean(),
    topic,
    packetId,
    properties: some(version, {
      ...message,
      topicAlias: positive(0xffff),
      subscriptionIds: fc.array(subscriptionId, { minLength: 1, maxLength: 4 }),
    }),
    payload: bytes,
  }).map((packet) => (packet.qos > 0 ? packet : { ...packet, dup: false, packetId: 0 }))
}

function ack(version: Version): fc.Arbitrary<Packet> {
  return fc.constantFrom(4 as const, 5 as const, 6 as const, 7 as const).chain((type) =>
    record({
      type: fc.constant(type),
      packetId,
      reason: version === 5 ? code(type) : fc.constant(0),
      properties: some(version, explained),
    }),
  )
}

function subscribe(version: Version): fc.Arbitrary<Packet> {
  const option = version === 5 ? fc.boolean() : fc.constant(false)
  const filter = record({
    filter: text,
    qos,
    noLocal: option,
    retainAsPublished: option,
    retainHandling: version === 5 ? fc.constantFrom(0, 1, 2) : fc.constant<0>(0),
  })
  return record({
    type: fc.constant(8 as const),
    packetId,
    filters: fc.array(filter, { minLength: 1, maxLength: 10 }),
    properties: some(version, { userProperties, subscriptionIds: fc.tuple(subscriptionId) }),
  })
}

function answers(version: Version): fc.Arbitrary<Packet> {
  const granted = version === 5 ? code(9) : fc.constantFrom(0, 1, 2, 0x80)
  const properties = some(version, explained)
  return fc.oneof(
    record({
      type: fc.constant(9 as const),
      packetId,
      codes: fc.array(granted, { minLength: 1, maxLength: 10 }),
      properties,
    }),
    record({
      type: fc.constant(10 as const),
      packetId,
      filters: fc.array(text, { minLength: 1, maxLength: 10 }),
      properties: some(version, { userProperties }),
    }),
    record({
      type: fc.constant(11 as const),
      packetId,
      codes:
        version === 5
          ? fc.array(code(11), { minLength: 1, maxLength: 10 })
          : fc.constant<number[]>([]),
      properties,
    }),
  )
}

function closing(version: Version): fc.Arbitrary<Packet> {
  const ping = record({ type: fc.constantFrom(12 as const, 13 as const) })
  const disconnect = record({
    type: fc.constant(14 as const),
    reason: version === 5 ? code(14) : fc.constant(0),
    properties: some(version, {
      ...explained,
      sessionExpirySeconds: uint32,
      serverReference: text,
    }),
  })
  if (version < 5) return fc.oneof(ping, disconnect)
  const auth = record({
    type: fc.constant(15 as const),
    reason: code(15),
    properties: fc.record(
      { ...explained, authenticationMethod: text, authenticationData: bytes },
      { requiredKeys: ['authenticationMethod'], noNullPrototype: true },
    ),
  })
  return fc.oneof(ping, disconnect, auth)
}

/** Any packet that the standard lets someone send in `version`. */
export function anyPacket(version: Version): fc.Arbitrary<Packet> {
  const makers = [connect, connack, publish, ack, subscribe, answers, closing]
  return fc.oneof(...makers.map((make) => make(version)))
}
