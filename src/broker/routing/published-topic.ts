/**
 * The topic of a PUBLISH that came in: its name, its alias and who is subscribed to it. Most clients publish to one
 * topic at a time: what was found for the last one stays with the connection.
 */
import { ProtocolError } from '../../codec/protocol-error.ts'
import type { PublishView } from '../../codec/publish.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { decodeUtf8 } from '../../codec/utf8.ts'
import { topicNameProblem } from '../../topics/names.ts'
import type { Message } from '../../ports/message.ts'
import { Pressure } from '../../ports/pressure.ts'
import type { Core } from '../state/core.ts'
import type { AliasTopic, Connection, Subscriber } from '../state/model.ts'
import { fitsMounted } from '../state/mount-point.ts'
import { Bytes, chargeConnection } from '../state/memory.ts'
import { isDirect } from './direct.ts'
import { matchNow } from './routing.ts'

/** Equal bytes, same topic. */
function isLastTopic(view: PublishView, connection: Connection): boolean {
  const last = connection.topicBytes
  const { bytes, topicStart, topicEnd } = view
  const length = topicEnd - topicStart
  if (last === null || last.length !== length) return false
  for (let index = 0; index < length; index++)
    if (last[index] !== bytes[topicStart + index]) return false
  return true
}

/** Makes the topic of the PUBLISH that came the connection's last one. */
export function takeTopic(core: Core, connection: Connection): void {
  if (!isLastTopic(core.published, connection)) learnTopic(core, connection)
}

/** A topic this connection did not just use: decodes and checks it. */
function learnTopic(core: Core, connection: Connection): void {
  const { bytes, topicStart, topicEnd } = core.published
  const name = decodeUtf8(bytes, topicStart, topicEnd)
  const problem = topicNameProblem(name, core.ports.limits.topicLevelsMax)
  if (problem !== null) throw new ProtocolError(Reason.malformedPacket, `topic name: ${problem}`)
  const whole = connection.mount === null ? name : connection.mount.prefix + name
  if (!fitsMounted(connection.mount, whole))
    throw new ProtocolError(Reason.topicNameInvalid, 'the topic does not fit below the mount point')
  connection.topicName = whole
  connection.matchGeneration = -1
  const last = connection.topicBytes
  chargeConnection(core, connection, 2 * (topicEnd - topicStart - (last?.length ?? 0)))
  if (last !== null && last.length === topicEnd - topicStart)
    last.set(bytes.subarray(topicStart, topicEnd))
  else connection.topicBytes = bytes.slice(topicStart, topicEnd)
}

/** A topic alias stands for the topic, or is set to it [MQTT-3.3.2-7 ff.]. */
export function resolveAlias(core: Core, connection: Connection, message: Message): void {
  const view = core.published
  const alias = view.topicAlias
  if (alias > connection.link.listener.topicAliasMaximum)
    throw new ProtocolError(Reason.topicAliasInvalid, `topic alias ${alias} is over the maximum`)
  const aliases = (connection.aliasesIn ??= [])
  if (view.topicEnd > view.topicStart) {
    takeTopic(core, connection)
    if (core.pressure >= Pressure.dropQos0)
      throw new ProtocolError(Reason.quotaExceeded, 'the broker is short of memory')
    const bytes = view.bytes.slice(view.topicStart, view.topicEnd)
    chargeConnection(core, connection, 2 * bytes.length + Bytes.topic - aliasBytes(aliases[alias]))
    aliases[alias] = { name: connection.topicName, bytes }
  }
  const topic = aliases[alias]
  if (topic === undefined)
    throw new ProtocolError(Reason.protocolError, `topic alias ${alias} is not set`)
  if (connection.topicName !== topic.name || connection.topicBytes === null) {
    connection.topicName = topic.name
    connection.topicBytes = topic.bytes.slice()
    connection.matchGeneration = -1
  }
  message.topic = topic.bytes
  message.topicStart = 0
  message.topicEnd = topic.bytes.length
}

function aliasBytes(topic: AliasTopic | undefined): number {
  return topic === undefined ? 0 : 2 * topic.bytes.length + Bytes.topic
}

/** null: to find them takes longer than a turn has. */
export function matchesOf(core: Core, connection: Connection): readonly Subscriber[] | null {
  const { trie } = core
  if (connection.matchGeneration !== trie.generation || connection.matches === null) {
    connection.matches = matchNow(core, connection.topicName)
    // The client that a direct topic means comes and goes without a change of the trie.
    connection.matchGeneration = isDirect(core, connection.topicName) ? -1 : trie.generation
  }
  return connection.matches
}

/** The connection is over. */
export function forgetTopics(connection: Connection): void {
  connection.topicBytes = null
  connection.matches = null
  connection.aliasesIn = null
}
