import { MESSAGE_PROPERTIES, MESSAGE_PROPERTIES_HEX } from './message-properties.ts'
import { V3, V311, V5, fromHex, type Fixture } from './fixture.ts'

const CONNECT_BASE = {
  type: 1,
  version: 4,
  bridge: false,
  cleanStart: true,
  keepAliveSeconds: 60,
  clientId: 'c',
  will: null,
  username: null,
  password: null,
  properties: {},
} as const

export const connectFixtures: Fixture[] = [
  {
    name: 'CONNECT 3.1',
    versions: [3],
    hex: '10 0f 0006 4d5149736470 03 02 003c 0001 63',
    packet: { ...CONNECT_BASE, version: 3 },
  },
  {
    name: 'CONNECT 3.1 of a bridge',
    versions: [3],
    hex: '10 0f 0006 4d5149736470 83 02 003c 0001 63',
    packet: { ...CONNECT_BASE, version: 3, bridge: true },
  },
  {
    name: 'CONNECT 3.1.1',
    versions: V311,
    hex: '10 0d 0004 4d515454 04 02 003c 0001 63',
    packet: CONNECT_BASE,
  },
  {
    name: 'CONNECT 3.1.1 of a bridge, session kept',
    versions: V311,
    hex: '10 0d 0004 4d515454 84 00 003c 0001 63',
    packet: { ...CONNECT_BASE, bridge: true, cleanStart: false },
  },
  {
    name: 'CONNECT 3.1.1 with will, user and password',
    versions: V311,
    hex: '10 1a 0004 4d515454 04 f6 000a 0001 63 0001 77 0001 00 0001 75 0002 70ff',
    packet: {
      ...CONNECT_BASE,
      keepAliveSeconds: 10,
      will: { topic: 'w', payload: fromHex('00'), qos: 2, retain: true, properties: {} },
      username: 'u',
      password: fromHex('70ff'),
    },
  },
  {
    name: 'CONNECT 5.0',
    versions: V5,
    hex: '10 0e 0004 4d515454 05 02 003c 00 0001 63',
    packet: { ...CONNECT_BASE, version: 5 },
  },
  {
    name: 'CONNECT 5.0 with a password alone',
    versions: V5,
    hex: '10 11 0004 4d515454 05 42 003c 00 0001 63 0001 70',
    packet: { ...CONNECT_BASE, version: 5, password: fromHex('70') },
  },
  {
    name: 'CONNECT 5.0 with every property',
    versions: V5,
    hex:
      '10 5d 0004 4d515454 05 ee 003c' +
      '29 11 ffffffff 22 0005 15 0001 6d 16 0001 02 17 00 19 01 27 00001000 21 000a' +
      '26 0001 61 0001 62 26 0001 61 0000' +
      '0001 63 19' +
      `${MESSAGE_PROPERTIES_HEX} 18 0000001e 0001 77 0001 21 0001 75 0001 70`,
    packet: {
      ...CONNECT_BASE,
      version: 5,
      properties: {
        sessionExpirySeconds: 0xffffffff,
        authenticationMethod: 'm',
        authenticationData: fromHex('02'),
        requestProblemInformation: 0,
        requestResponseInformation: 1,
        receiveMaximum: 10,
        topicAliasMaximum: 5,
        userProperties: [
          ['a', 'b'],
          ['a', ''],
        ],
        maximumPacketSize: 4096,
      },
      will: {
        topic: 'w',
        payload: fromHex('21'),
        qos: 1,
        retain: true,
        properties: { ...MESSAGE_PROPERTIES, willDelaySeconds: 30 },
      },
      username: 'u',
      password: fromHex('70'),
    },
  },
]

export const connackFixtures: Fixture[] = [
  {
    name: 'CONNACK accepted',
    versions: V3,
    hex: '20 02 00 00',
    packet: { type: 2, sessionPresent: false, code: 0, properties: {} },
  },
  {
    name: 'CONNACK with session',
    versions: V311,
    hex: '20 02 01 00',
    packet: { type: 2, sessionPresent: true, code: 0, properties: {} },
  },
  {
    name: 'CONNACK refused',
    versions: V3,
    hex: '20 02 00 05',
    packet: { type: 2, sessionPresent: false, code: 5, properties: {} },
  },
  {
    name: 'CONNACK 5.0 refused',
    versions: V5,
    hex: '20 03 00 87 00',
    packet: { type: 2, sessionPresent: false, code: 0x87, properties: {} },
  },
  {
    name: 'CONNACK 5.0 with every property',
    versions: V5,
    hex:
      '20 3f 01 00 3c 11 0000000a 13 001e 22 000a 12 0001 69 15 0001 6d 16 0001 01 1a 0001 69' +
      '1c 0001 73 1f 0001 72 25 00 27 00010000 21 0014 24 01 26 0001 6b 0001 76' +
      '28 00 29 01 2a 00',
    packet: {
      type: 2,
      sessionPresent: true,
      code: 0,
      properties: {
        sessionExpirySeconds: 10,
        assignedClientId: 'i',
        serverKeepAliveSeconds: 30,
        authenticationMethod: 'm',
        authenticationData: fromHex('01'),
        responseInformation: 'i',
        serverReference: 's',
        reasonString: 'r',
        receiveMaximum: 20,
        topicAliasMaximum: 10,
        maximumQos: 1,
        retainAvailable: 0,
        userProperties: [['k', 'v']],
        maximumPacketSize: 65536,
        wildcardSubscriptionAvailable: 0,
        subscriptionIdsAvailable: 1,
        sharedSubscriptionAvailable: 0,
      },
    },
  },
]
