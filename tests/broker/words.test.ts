import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalWords } from '../../src/broker/state/words.ts'
import { PacketType } from '../../src/codec/packets.ts'
import { isReasonAllowed, Reason } from '../../src/codec/reason-codes.ts'

function refuses(reason: number): boolean {
  return reason >= 0x80 && isReasonAllowed(PacketType.connack, reason)
}

test('the log says "protocol error" of a refused CONNECT only where that is why', () => {
  const breaches = new Set<number>([
    Reason.malformedPacket,
    Reason.protocolError,
    Reason.unsupportedProtocolVersion,
  ])
  assert.equal(refusalWords(Reason.quotaExceeded), 'quota exceeded')
  for (const reason of Object.values(Reason).filter(refuses))
    assert.equal(refusalWords(reason) === 'protocol error', breaches.has(reason), String(reason))
})
