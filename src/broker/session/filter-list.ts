/**
 * The list of filters of a SUBSCRIBE or UNSUBSCRIBE, as long as `max_packet_size` lets it be. It is handled in portions:
 *
 *     check, all of it ──▶ each filter ──▶ the answer ──▶ what is retained
 *     nothing is changed yet               waits for its batch
 *
 * Whenever the turn has done its share, `Connection.request` holds the rest, and the connection's input waits.
 */
import { readPacketId, ByteReader } from '../../codec/byte-reader.ts'
import { varintSize } from '../../codec/fields.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { readPropertyField } from '../../codec/properties.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { topicFilterProblem } from '../../topics/names.ts'
import type { Core } from '../state/core.ts'
import type { Connection, FilterList, OpenConnection } from '../state/model.ts'
import { keepReplays } from '../routing/retained.ts'
import { chargeConnection } from '../state/memory.ts'
import { stopReading } from '../state/reading.ts'
import { FILTER_SHIFT } from '../state/work.ts'

/** Of SUBACK and UNSUBACK in 5.0, behind the length: identifier and no properties. */
const ANSWER_HEAD_BYTES = 3

/** Reads what is in front of the filters, which are `bytes[reader.at..frameEnd)`. */
export function openFilterList(
  core: Core,
  connection: OpenConnection,
  type: 8 | 10,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): FilterList {
  const reader = new ByteReader(bytes, bodyStart, frameEnd)
  const packetId = readPacketId(reader)
  const { limits } = core.ports
  const properties = connection.version === 5 ? readPropertyField(reader, type, limits) : {}
  return {
    type,
    reader,
    filtersAt: reader.at,
    packetId,
    subscriptionId: properties.subscriptionIds?.[0] ?? 0,
    count: 0,
    isChecked: false,
    isAnswered: false,
    codes: [],
    batch: 0,
    asked: null,
    later: null,
    isKnown: false,
    replays: [],
    replayed: 0,
  }
}

/**
 * Checks filters while there is budget; true: all of them are well formed, and the reader is back at the first. `read`
 * takes one out and returns it. Throws ProtocolError.
 */
export function checkFilters(
  core: Core,
  connection: OpenConnection,
  list: FilterList,
  read: (list: FilterList) => string,
): boolean {
  if (list.isChecked) return true
  const { reader } = list
  while (!reader.isAtEnd()) {
    if (core.work <= 0 && list.count > 0) return false
    checkFilter(core, read(list))
    list.count++
  }
  // [MQTT-3.8.3-2] [MQTT-3.10.3-2]
  if (list.count === 0) throw new ProtocolError(Reason.protocolError, 'no filter')
  checkAnswerFits(connection, list.count)
  list.isChecked = true
  reader.at = list.filtersAt
  return true
}

/** Throws ProtocolError. */
export function checkFilter(core: Core, filter: string): void {
  const problem = topicFilterProblem(filter, core.ports.limits.topicLevelsMax)
  if (problem !== null) throw new ProtocolError(Reason.malformedPacket, `topic filter: ${problem}`)
  core.work -= 1 + (filter.length >> (FILTER_SHIFT + 2))
}

/** A client that asks for more codes than it takes in one packet would wait for ever [MQTT-3.1.2-24]. */
export function checkAnswerFits({ packetBytesMax }: OpenConnection, codes: number): void {
  const body = ANSWER_HEAD_BYTES + codes
  if (packetBytesMax > 0 && 1 + varintSize(body) + body > packetBytesMax)
    throw new ProtocolError(Reason.packetTooLarge, 'the answer is larger than the client takes')
}

/** It goes on in later turns. Its bytes are the caller's, so what is left of them is kept. */
export function suspendList(core: Core, connection: OpenConnection, list: FilterList): void {
  const { reader, filtersAt } = list
  const kept = reader.bytes.slice(filtersAt, reader.end)
  list.reader = new ByteReader(kept, reader.at - filtersAt, kept.length)
  list.filtersAt = 0
  chargeConnection(core, connection, kept.length)
  connection.request = list
  stopReading(connection)
}

/** It is through; what the connection sent behind it may be handled. */
export function endList(core: Core, connection: OpenConnection, list: FilterList): void {
  chargeConnection(core, connection, -list.reader.bytes.length)
  connection.request = null
}

/** Its client is gone. */
export function dropList(core: Core, connection: Connection): void {
  const { request } = connection
  if (request !== null) keepReplays(core, request.replays.slice(request.replayed))
  connection.request = null
}
