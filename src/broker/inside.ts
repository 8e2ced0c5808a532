/** What the process itself says and hears: messages from inside, and subscribers that are functions. */
import { EncodeError } from '../codec/encode-error.ts'
import { checkTopic } from '../codec/message-check.ts'
import type { Properties, Qos } from '../codec/packets.ts'
import { Reason } from '../codec/reason-codes.ts'
import { stringLength } from '../codec/utf8.ts'
import { createMessage, type Message } from '../ports/message.ts'
import { Pressure } from '../ports/pressure.ts'
import { topicFilterProblem, topicNameProblem } from '../topics/names.ts'
import { delayInside, isDelayed, readDelay } from './routing/delayed.ts'
import { meantBy, UNDER_WAY } from './routing/fan-out-later.ts'
import { countInterest } from './routing/interest.ts'
import { retainedIsFull } from './routing/retained.ts'
import { publish } from './routing/routing.ts'
import { groupOf, leaveGroup } from './routing/shared-groups.ts'
import type { Core } from './state/core.ts'
import { chargeNodes } from './state/memory.ts'
import { Subscription, type Session } from './state/model.ts'

export interface PublishOptions {
  qos?: Qos
  retain?: boolean
  properties?: Properties
  /** The user it is published for; absent: the broker itself. */
  publisherUser?: string | null
}

/** See `Broker.publish`. */
export function publishInside(
  core: Core,
  topic: string,
  payload: Uint8Array,
  options: PublishOptions,
): number {
  const message = insideMessage(core, topic, payload, options)
  if (isDelayed(core, null, topic)) return delayInside(core, message)
  const count = publish(core, message, null)
  return count === UNDER_WAY ? meantBy(core, '') : count
}

/** Throws EncodeError on a message that no packet can carry. */
export function insideMessage(
  core: Core,
  topic: string,
  payload: Uint8Array,
  options: PublishOptions,
): Message {
  checkPublishedTopic(core, topic)
  const { qos = 0, retain = false, properties = {}, publisherUser = null } = options
  const wallMs = core.ports.clock.wallMs()
  const publisher = ''
  return createMessage({
    topic,
    payload,
    qos,
    retain,
    properties,
    publisher,
    publisherUser,
    wallMs,
  })
}

/** See `Broker.checkTopic`. */
export function checkPublishedTopic(core: Core, topic: string): void {
  checkTopic(topic)
  const problem = topicNameProblem(topic, core.ports.limits.topicLevelsMax)
  if (problem !== null) throw new EncodeError(problem)
}

/** See `Broker.targetOf`. */
export function targetOf(core: Core, topic: string): string {
  return isDelayed(core, null, topic) ? topic.replace(/^[^/]*\/[^/]*\//, '') : topic
}

/** See `Broker.publishRefusal`. */
export function publishRefusal(
  core: Core,
  topic: string,
  payloadBytes: number,
  retain: boolean,
): number {
  const { payloadBytesMax } = core.ports.limits
  if (payloadBytesMax > 0 && payloadBytes > payloadBytesMax) return Reason.packetTooLarge
  if (isDelayed(core, null, topic)) {
    const wish = readDelay(core, null, topic, payloadBytes)
    if (typeof wish === 'number') return wish
  }
  if (payloadBytes === 0) return 0
  if (core.pressure >= Pressure.shed) return Reason.serverBusy
  return retain && retainedIsFull(core, targetOf(core, topic), payloadBytes)
    ? Reason.quotaExceeded
    : 0
}

/** See `Broker.subscribe`; `inside`: the session that stands for subscribers inside the process. */
export function subscribeInside(
  core: Core,
  inside: Session,
  filter: string,
  handler: (message: Message) => void,
  { qos = 2 }: { qos?: Qos },
): () => void {
  const problem = topicFilterProblem(filter, core.ports.limits.topicLevelsMax)
  if (problem !== null) throw new EncodeError(`topic filter: ${problem}`)
  stringLength(filter)
  const parts = filter.split('/')
  const nodes = core.trie.nodeCount
  const group = parts[0] === '$share' ? groupOf(core, parts[1], parts.slice(2).join('/')) : null
  const subscription = new Subscription(inside, filter, group, handler)
  subscription.assign({ qos, noLocal: false, retainAsPublished: false, subscriptionId: 0 })
  if (group === null) core.trie.add(filter, subscription)
  else group.members.push(subscription)
  chargeNodes(core, nodes)
  countInterest(core, subscription, 1)
  return () => {
    const before = core.trie.nodeCount
    subscription.remove()
    countInterest(core, subscription, -1)
    if (group === null) core.trie.remove(filter, subscription)
    else leaveGroup(core, group, subscription)
    chargeNodes(core, before)
  }
}
