/**
 * Input that cannot be handled yet: a cut packet, or what came before the CONNACK. What it takes is memory, and charged to
 * the connection.
 */
import { announcedBytes } from '../../codec/frame.ts'
import { CutPacket } from '../../codec/framer.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { Pressure } from '../../ports/pressure.ts'
import { chargeConnection } from '../state/memory.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'

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
    connection.partial = beginCut(core, connection, bytes, start, end)
    beginPartial(connection, core.ports.clock.monotonicMs())
  }
  appendInput(core, connection, connection.partial, bytes, start, end)
}

/** A packet of which `bytes[start..end)` is there, or several. */
function beginCut(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
): CutPacket {
  const cut = new CutPacket(core.spareInput)
  const length = announcedBytes(bytes, start, end)
  if (length > end - start && core.pressure !== Pressure.beyond) cut.expect(length)
  chargeConnection(core, connection, cut.capacity)
  return cut
}

/** Short of memory only short packets may come in pieces. */
export function appendInput(
  core: Core,
  connection: Connection,
  partial: CutPacket,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const before = partial.capacity
  const isLarge = partial.length + end - start > SHORT_OF_MEMORY_BYTES_MAX
  if (isLarge && core.pressure === Pressure.beyond)
    throw new ProtocolError(Reason.quotaExceeded, 'the broker is short of memory')
  partial.append(bytes, start, end)
  chargeConnection(core, connection, partial.capacity - before)
}

/** Takes out what is kept, to handle it: {@link putBack} what is left, or {@link freeInput}. */
export function takeInput(connection: Connection): CutPacket | null {
  const { partial } = connection
  connection.partial = null
  return partial
}

/** To be called before `partial` is put back or released: `joined`, its bytes in one array, is good until then. */
export function returnRoom(core: Core, partial: CutPacket, joined: Uint8Array): void {
  if (joined !== partial.head) core.spareInput.give(joined)
}

/** What lies from `from` on in `joined`, which has the bytes of `partial`, has to wait on. */
export function putBack(
  core: Core,
  connection: Connection,
  partial: CutPacket,
  joined: Uint8Array,
  from: number,
): void {
  if (from === 0) {
    connection.partial = partial
    return
  }
  const rest = new CutPacket(core.spareInput)
  rest.append(joined, from, partial.length)
  chargeConnection(core, connection, rest.capacity)
  freeInput(core, connection, partial)
  connection.partial = rest
  beginPartial(connection, core.ports.clock.monotonicMs())
}

/** All of it is handled; of a closed connection nothing is charged any more. */
export function freeInput(core: Core, connection: Connection, partial: CutPacket): void {
  if (connection.phase !== Phase.closed) chargeConnection(core, connection, -partial.capacity)
  partial.clear()
}

/** The time that the packet may take counts from `nowMs`. */
export function beginPartial(connection: Connection, nowMs: number): void {
  connection.partialSinceMs = Math.ceil(nowMs)
}

/** The connection is over. */
export function dropPartial(connection: Connection): void {
  connection.partial?.clear()
  connection.partial = null
}
