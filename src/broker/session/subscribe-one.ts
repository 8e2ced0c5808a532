/** What nearly every SUBSCRIBE is: one filter, without properties, and rights that answer on the spot. */
import { ByteReader } from '../../codec/byte-reader.ts'
import { PacketType } from '../../codec/packets.ts'
import { readFilter } from '../../codec/subscribe.ts'
import { replyPacket } from '../delivery/replies.ts'
import { replayRetained } from '../routing/retained.ts'
import type { Core } from '../state/core.ts'
import type { FilterList, OpenConnection } from '../state/model.ts'
import { findSubscription } from '../state/own-subscriptions.ts'
import { logFilter, logSent } from '../state/words.ts'
import { checkAnswerFits, checkFilter, openFilterList } from './filter-list.ts'
import { ask, codeOf, grant, subscribeRefusal, tellRefused } from './subscribe.ts'

const NO_PROPERTIES = {}

/** Does such a one at once. Any other is returned as the list that it is; null: it is done. Throws ProtocolError. */
export function beginSubscribe(
  core: Core,
  connection: OpenConnection,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): FilterList | null {
  const isPlain =
    core.work > 0 && core.ports.peers === null && isOne(connection, bytes, bodyStart, frameEnd)
  if (!isPlain)
    return openFilterList(core, connection, PacketType.subscribe, bytes, bodyStart, frameEnd)
  const packetId = (bytes[bodyStart] << 8) | bytes[bodyStart + 1]
  const reader = new ByteReader(bytes, filterStart(connection, bodyStart), frameEnd)
  const wanted = readFilter(reader, connection.version)
  checkFilter(core, wanted.filter)
  checkAnswerFits(connection, 1)
  const verdict = ask(core, connection, wanted)
  if (typeof verdict !== 'boolean') {
    const list = openFilterList(core, connection, PacketType.subscribe, bytes, bodyStart, frameEnd)
    list.count = 1
    list.isChecked = true
    list.asked = [{ wanted, verdict }]
    return list
  }
  const { mark } = core.journal
  const known = findSubscription(connection.session, wanted.filter)
  const refusal = subscribeRefusal(core, connection, wanted, known, verdict)
  logFilter(core, wanted, refusal === 0)
  if (refusal !== 0) tellRefused(core, connection, wanted, refusal)
  const subscription = refusal === 0 ? grant(core, connection, wanted, known, 0) : null
  const codes = [codeOf(connection, wanted, refusal)]
  logSent(core, connection, 'SUBACK')
  const suback = { type: PacketType.suback, packetId, codes, properties: NO_PROPERTIES }
  replyPacket(core, connection, suback, core.journal.since(mark))
  if (subscription !== null) replayRetained(core, connection, subscription)
  return null
}

/** Where the filters are, if there are no properties. */
function filterStart({ version }: OpenConnection, bodyStart: number): number {
  return bodyStart + (version === 5 ? 3 : 2)
}

/** One filter, and nothing that is wrong before it. */
function isOne(
  connection: OpenConnection,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): boolean {
  const at = filterStart(connection, bodyStart)
  if (at + 2 >= frameEnd || (connection.version === 5 && bytes[at - 1] !== 0)) return false
  if (bytes[bodyStart] === 0 && bytes[bodyStart + 1] === 0) return false
  return at + 2 + ((bytes[at] << 8) | bytes[at + 1]) + 1 === frameEnd
}
