/** Records as earlier formats wrote them are read for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMessage, readSession, RecordReader } from '../../src/store/level/records.ts'

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

test('format 1: a retained message that does not say where its publisher came in', () => {
  const message = readMessage(new RecordReader(bytesOf('25 01 00 01 63 01 75 74 78')))
  assert.equal(message.publisherOrigin, '')
  assert.equal(Buffer.from(message.payloadBytes()).toString(), 'x')
})
