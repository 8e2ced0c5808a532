import { connackFixtures, connectFixtures } from './connect-fixtures.ts'
import { ALL, V3, V5, fromHex, type Fixture } from './fixture.ts'
import { MESSAGE_PROPERTIES, MESSAGE_PROPERTIES_HEX } from './message-properties.ts'

const PUBLISH_BASE = {
  type: 3,
  dup: false,
  qos: 0,
  retain: false,
  topic: 'a/b',
  packetId: 0,
  properties: {},
  payload: fromHex('6869'),
} as const

const ACKS = [
  [4, '40', 0x10],
  [5, '50', 0x97],
  [6, '62', 0x92],
  [7, '70', 0x92],
] as const

const ackFixtures: Fixture[] = ACKS.flatMap(([type, first, reason]): Fixture[] => {
  const reasonHex = reason.toString(16)
  const packet = { type, packetId: 0x1234, reason: 0, properties: {} }
  return [
    { name: `ack ${type}`, versions: ALL, hex: `${first} 02 1234`, packet },
    {
      name: `ack ${type} with reason`,
      versions: V5,
      hex: `${first} 03 1234 ${reasonHex}`,
      packet: { ...packet, reason },
    },
    {
      name: `ack ${type} with reason string`,
      versions: V5,
      hex: `${first} 0b 1234 ${reasonHex} 07 1f 0004 66756c6c`,
      packet: { ...packet, reason, properties: { reasonString: 'full' } },
    },
  ]
})

const publishFixtures: Fixture[] = [
  {
    name: 'PUBLISH QoS 0',
    versions: V3,
    hex: '30 07 0003 612f62 6869',
    packet: PUBLISH_BASE,
  },
  {
    name: 'PUBLISH QoS 1 again, retained',
    versions: V3,
    hex: '3b 09 0003 612f62 0007 6869',
    packet: { ...PUBLISH_BASE, dup: true, qos: 1, retain: true, packetId: 7 },
  },
  {
    name: 'PUBLISH QoS 2 of nothing to a topic beyond ASCII',
    versions: V3,
    hex: '34 0c 0008 efbbbfc3a9e282ac ffff',
    packet: {
      ...PUBLISH_BASE,
      qos: 2,
      topic: '\ufeffé€',
      packetId: 0xffff,
      payload: fromHex(''),
    },
  },
  {
    name: 'PUBLISH 5.0 QoS 0',
    versions: V5,
    hex: '30 08 0003 612f62 00 6869',
    packet: PUBLISH_BASE,
  },
  {
    name: 'PUBLISH 5.0 with a length of two bytes',
    versions: V5,
    hex: `30 8601 0003 612f62 00 ${'2e'.repeat(128)}`,
    packet: { ...PUBLISH_BASE, payload: new Uint8Array(128).fill(0x2e) },
  },
  {
    name: 'PUBLISH 5.0 by alias alone',
    versions: V5,
    hex: '32 0a 0000 0001 03 23 0005 6869',
    packet: { ...PUBLISH_BASE, qos: 1, topic: '', packetId: 1, properties: { topicAlias: 5 } },
  },
  {
    name: 'PUBLISH 5.0 with every property',
    versions: V5,
    hex:
      `34 2d 0003 612f62 0102 23 ${MESSAGE_PROPERTIES_HEX} 0b 01 0b 8001 23 0001` +
      '26 0001 6b 0001 76 6869',
    packet: {
      ...PUBLISH_BASE,
      qos: 2,
      packetId: 0x102,
      properties: {
        ...MESSAGE_PROPERTIES,
        subscriptionIds: [1, 128],
        topicAlias: 1,
        userProperties: [['k', 'v']],
      },
    },
  },
]

const FILTER = { filter: 'a/#', qos: 1, noLocal: false, retainAsPublished: false } as const

const subscribeFixtures: Fixture[] = [
  {
    name: 'SUBSCRIBE',
    versions: V3,
    hex: '82 0d 0001 0003 612f23 01 0002 2b62 00',
    packet: {
      type: 8,
      packetId: 1,
      filters: [
        { ...FILTER, retainHandling: 0 },
        { ...FILTER, filter: '+b', qos: 0, retainHandling: 0 },
      ],
      properties: {},
    },
  },
  {
    name: 'SUBSCRIBE 5.0 with every option',
    versions: V5,
    hex: '82 17 0001 0a 0b ffffff7f 26 0000 0000 0003 612f23 2e 0001 61 11',
    packet: {
      type: 8,
      packetId: 1,
      filters: [
        { filter: 'a/#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: 'a', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 1 },
      ],
      properties: { subscriptionIds: [268_435_455], userProperties: [['', '']] },
    },
  },
  {
    name: 'SUBACK',
    versions: V3,
    hex: '90 06 0001 00 01 02 80',
    packet: { type: 9, packetId: 1, codes: [0, 1, 2, 0x80], properties: {} },
  },
  {
    name: 'SUBACK 5.0',
    versions: V5,
    hex: '90 0a 0001 04 1f 0001 72 02 87 a2',
    packet: { type: 9, packetId: 1, codes: [2, 0x87, 0xa2], properties: { reasonString: 'r' } },
  },
  {
    name: 'UNSUBSCRIBE',
    versions: V3,
    hex: 'a2 08 0001 0001 61 0001 62',
    packet: { type: 10, packetId: 1, filters: ['a', 'b'], properties: {} },
  },
  {
    name: 'UNSUBSCRIBE 5.0',
    versions: V5,
    hex: 'a2 0d 0001 07 26 0001 6b 0001 76 0001 61',
    packet: {
      type: 10,
      packetId: 1,
      filters: ['a'],
      properties: { userProperties: [['k', 'v']] },
    },
  },
  {
    name: 'UNSUBACK',
    versions: V3,
    hex: 'b0 02 0001',
    packet: { type: 11, packetId: 1, codes: [], properties: {} },
  },
  {
    name: 'UNSUBACK 5.0',
    versions: V5,
    hex: 'b0 05 0001 00 00 11',
    packet: { type: 11, packetId: 1, codes: [0, 0x11], properties: {} },
  },
]

const closingFixtures: Fixture[] = [
  { name: 'PINGREQ', versions: ALL, hex: 'c0 00', packet: { type: 12 } },
  { name: 'PINGRESP', versions: ALL, hex: 'd0 00', packet: { type: 13 } },
  {
    name: 'DISCONNECT',
    versions: ALL,
    hex: 'e0 00',
    packet: { type: 14, reason: 0, properties: {} },
  },
  {
    name: 'DISCONNECT 5.0 with reason',
    versions: V5,
    hex: 'e0 01 04',
    packet: { type: 14, reason: 4, properties: {} },
  },
  {
    name: 'DISCONNECT 5.0 with properties',
    versions: V5,
    hex: 'e0 0f 00 0d 11 00000005 1c 0001 73 1f 0001 72',
    packet: {
      type: 14,
      reason: 0,
      properties: { sessionExpirySeconds: 5, serverReference: 's', reasonString: 'r' },
    },
  },
  { name: 'AUTH', versions: V5, hex: 'f0 00', packet: { type: 15, reason: 0, properties: {} } },
  {
    name: 'AUTH with method and data',
    versions: V5,
    hex: 'f0 0b 18 09 15 0001 6d 16 0002 0001',
    packet: {
      type: 15,
      reason: 0x18,
      properties: { authenticationMethod: 'm', authenticationData: fromHex('0001') },
    },
  },
]

/** Packets in the one form that our encoder gives them, so that each row goes both ways. */
export const FIXTURES: readonly Fixture[] = [
  ...connectFixtures,
  ...connackFixtures,
  ...publishFixtures,
  ...ackFixtures,
  ...subscribeFixtures,
  ...closingFixtures,
]
