/**
 * What crosses to other nodes (`ports/peers.ts`). While a message is fanned out `Core.crossing` and `crossingGroups` collect who
 * elsewhere is to have it; behind its receivers here it is sent once, with all of that.
 */
import type { Qos } from '../../codec/packets.ts'
import type { Message } from '../../ports/message.ts'
import type { Core } from '../state/core.ts'
import type { SharedGroup, Subscription } from '../state/model.ts'

/** At which QoS a subscription gets a message [MQTT-3.8.4-8]. */
export function qosFor(core: Core, message: Message, subscription: Subscription): Qos {
  const isRaised = core.ports.limits.upgradeOutgoingQos || message.qos > subscription.qos
  return isRaised ? subscription.qos : message.qos
}

/** Other nodes want what matches a filter, by a {@link SharedGroup} without a name. */
export function noteWanted(core: Core, { always, qos0 }: SharedGroup, { qos }: Message): void {
  core.crossing |= qos === 0 ? always | qos0 : always
}

/** It is the turn of another node's member. */
export function leaveToOthers(core: Core, { name, filter }: SharedGroup): void {
  core.crossingGroups.push(`${name}/${filter}`)
}

/** Nothing is to cross yet. */
export function beginCrossing(core: Core): void {
  core.crossing = 0
  if (core.crossingGroups.length > 0) core.crossingGroups.length = 0
}

/** Sends what was collected; 1: somebody elsewhere gets it. */
export function cross(core: Core, message: Message): number {
  const { crossing, crossingGroups } = core
  if (crossing === 0 && crossingGroups.length === 0) return 0
  // What the broker says of itself every node says.
  if (message.publisher === '' && message.topicName.startsWith('$SYS/')) {
    beginCrossing(core)
    return 0
  }
  core.stats.publishCrossed++
  // Too much is under way: whoever is in the middle of its input stops here.
  if (core.ports.peers?.publish(message, crossing, crossingGroups) === false)
    core.work = Math.min(core.work, 0)
  beginCrossing(core)
  return 1
}

/** A subscriber inside the process may publish itself, which collects anew. */
export function tellInside(core: Core, subscription: Subscription, message: Message): void {
  const { crossing } = core
  const groups = core.crossingGroups.splice(0)
  core.crossing = 0
  try {
    subscription.handler?.(message)
  } finally {
    core.crossing = crossing
    core.crossingGroups.splice(0, Infinity, ...groups)
  }
}
