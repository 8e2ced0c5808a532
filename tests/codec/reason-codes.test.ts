import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Reason,
  connackReturnCode,
  isReasonAllowed,
  reasonText,
} from '../../src/codec/reason-codes.ts'

/** MQTT 5.0, 3.2.2.2 and so on: every code each packet may carry, written out from its own table. */
const CODES: readonly (readonly [packet: string, type: number, hex: string])[] = [
  ['CONNACK', 2, '00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f'],
  ['PUBACK', 4, '00 10 80 83 87 90 91 97 99'],
  ['PUBREC', 5, '00 10 80 83 87 90 91 97 99'],
  ['PUBREL', 6, '00 92'],
  ['PUBCOMP', 7, '00 92'],
  ['SUBACK', 9, '00 01 02 80 83 87 8f 91 97 9e a1 a2'],
  ['UNSUBACK', 11, '00 11 80 83 87 8f 91'],
  ['AUTH', 15, '00 18 19'],
  [
    'DISCONNECT',
    14,
    '00 04 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
  ],
]

for (const [packet, type, hex] of CODES) {
  test(`${packet} carries the reasons of its table and no other`, () => {
    const allowed: string[] = []
    for (let code = 0; code < 256; code++) {
      if (isReasonAllowed(type, code)) allowed.push(code.toString(16).padStart(2, '0'))
    }
    assert.equal(allowed.join(' '), hex)
  })
}

test('a client may only give the DISCONNECT reasons of a client', () => {
  const given = Object.values(Reason).filter((code) => isReasonAllowed(14, code, true))
  const expected = [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]
  assert.deepEqual([...new Set(given)], expected)
})

test('refusals become the return codes of 3.1.1', () => {
  const pairs = [
    [Reason.success, 0],
    [Reason.unsupportedProtocolVersion, 1],
    [Reason.clientIdentifierNotValid, 2],
    [Reason.serverUnavailable, 3],
    [Reason.serverBusy, 3],
    [Reason.badUserNameOrPassword, 4],
    [Reason.notAuthorized, 5],
    [Reason.banned, 5],
    [Reason.sessionTakenOver, 5],
    [0xff, 5],
  ] as const
  for (const [reason, code] of pairs) assert.equal(connackReturnCode(reason), code)
})

test('every code has a text and an unknown one its number', () => {
  for (const code of Object.values(Reason)) assert.match(reasonText(code), /^[A-Z][a-z]/)
  assert.equal(reasonText(0x8e), 'Session taken over')
  assert.equal(reasonText(0x0f), '0x0f')
})
