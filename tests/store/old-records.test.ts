/** Records as earlier formats wrote them are read for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import {
  readMessage,
  readSession,
  RecordReader,
  writeSession,
} from '../../src/store/level/records.ts'

const bytesOf = (hex: string): Uint8Array =>
  new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

test('format 1: a session whose will does not say where its author came in', () => {
  // version 5, flags: will, user, offline; number 1, sequence 2, expiry 3, offline since 4, user "u"
  const session = '05 07 01 02 03 04 01 75'
  // due 5; QoS 1, retained, with a user; lengths of topic and properties; "c", "u", topic "t", payload "x"
  const will = '05 25 01 00 01 63 01 75 74 78'
  const { record } = readSession('c', bytesOf(session + will))
  assert.equal(record.username, 'u')
  const { dueAtMs, remote, origin, message } = record.will!
  assert.deepEqual([dueAtMs, remote, origin], [5, '', ''])
  assert.deepEqual(
    [message.topicName, message.publisher, message.publisherUser, message.publisherOrigin],
    ['t', 'c', 'u', ''],
  )
})

test('format 1: packet identifiers begin at 2, and what was sent under one stays under it', () => {
  assert.equal(readSession('c', bytesOf('05 00 01 02 03')).idShift, 1)
  for (const idShift of [0, 1]) {
    const record = {
      clientId: 'c',
      username: null,
      version: 5 as const,
      expirySeconds: 3,
      disconnectedAtMs: -1,
      will: null,
    }
    const writer = new ByteWriter(new Uint8Array(64))
    writeSession(writer, { number: 1, lastSequence: 2, idShift, sentTo: -1, record })
    assert.equal(readSession('c', writer.bytes.slice(0, writer.length)).idShift, idShift)
  }
})

test('format 1: a retained message that does not say where its publisher came in', () => {
  const message = readMessage(new RecordReader(bytesOf('25 01 00 01 63 01 75 74 78')))
  assert.equal(message.publisherOrigin, '')
  assert.equal(Buffer.from(message.payloadBytes()).toString(), 'x')
})
