/**
 * Input that cannot be handled yet: a cut packet, or what came before the CONNACK. What its array grows by is memory, and
 * charged to the connection.
 */
import { ByteWriter } from '../../codec/byte-writer.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { Pressure } from '../../ports/pressure.ts'
import { chargeConnection } from '../state/memory.ts'
import { Phase, type Connection, type Core } from '../state/model.ts'

const PARTIAL_BYTES = 256

/**
 * An array grows by a copy of twice its size; those that it has outgrown are together as large as itself, and there until
 * the collector comes by, which is late where many grow at once. So much more than its bytes is charged for it.
 */
const OUTGROWN_SHARE = 1

/** While memory is short a packet that comes in pieces may have so many bytes. */
const SHORT_OF_MEMORY_BYTES_MAX = 65_536

/** Adds `bytes[start..end)` to what is kept. */
export function keepInput(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (connection.partial === null) {
    connection.partial = new ByteWriter(new Uint8Array(PARTIAL_BYTES))
    chargeConnection(core, connection, weightOf(PARTIAL_BYTES))
    beginPartial(connection, core.ports.clock.monotonicMs())
  }
  appendInput(core, connection, connection.partial, bytes, start, end)
}

/** Short of memory only short packets may come in pieces. */
export function appendInput(
  core: Core,
  connection: Connection,
  partial: ByteWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const before = partial.bytes.length
  const isLarge = partial.length + end - start > SHORT_OF_MEMORY_BYTES_MAX
  if (isLarge && core.pressure === Pressure.beyond)
    throw new ProtocolError(Reason.quotaExceeded, 'the broker is short of memory')
  partial.append(bytes, start, end)
  chargeConnection(core, connection, weightOf(partial.bytes.length) - weightOf(before))
}

function weightOf(bytes: number): number {
  return bytes + Math.ceil(bytes * OUTGROWN_SHARE)
}

/** Takes out what is kept, to handle it: {@link putBack} what is left, or {@link releaseInput} the array. */
export function takeInput(connection: Connection): ByteWriter | null {
  const { partial } = connection
  connection.partial = null
  return partial
}

/** What lies from `from` on has to wait on. */
export function putBack(
  core: Core,
  connection: Connection,
  partial: ByteWriter,
  from: number,
): void {
  if (from > 0) {
    partial.bytes.copyWithin(0, from, partial.length)
    partial.length -= from
    beginPartial(connection, core.ports.clock.monotonicMs())
  }
  connection.partial = partial
}

/** The array that packets were completed in is free; of a closed connection nothing is charged any more. */
export function releaseInput(core: Core, connection: Connection, partial: ByteWriter): void {
  if (connection.phase !== Phase.closed)
    chargeConnection(core, connection, -weightOf(partial.bytes.length))
}

/** The time that the packet may take counts from `nowMs`. */
export function beginPartial(connection: Connection, nowMs: number): void {
  connection.partialSinceMs = nowMs
}

/** The connection is over. */
export function dropPartial(connection: Connection): void {
  connection.partial = null
}
