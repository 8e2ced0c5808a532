/** What nodes want of each other (`ports/peers.ts`): what this one wants is counted, what others want is in the trie. */
import { subscriptionsOf } from '../state/own-subscriptions.ts'
import type { Qos } from '../../codec/packets.ts'
import type { Interest } from '../../ports/peers.ts'
import type { Core } from '../state/core.ts'
import { SharedGroup, type Session, type Subscription } from '../state/model.ts'
import { groupOf, leaveEmpty } from './shared-groups.ts'

const NOTHING: Interest = { always: 0, qos0: 0 }

/** Other nodes have told what they want of a filter, see `PeersEvents.wanted`. */
export function wanted(
  core: Core,
  filter: string,
  groupName: string,
  always: number,
  qos0: number,
  members: number,
): void {
  const isWanted = (always | qos0) !== 0
  let group = groupName === '' ? core.wanted.get(filter) : core.groups.get(`${groupName}/${filter}`)
  if (group === undefined) {
    if (!isWanted) return
    group = groupName === '' ? newWanted(core, filter) : groupOf(core, groupName, filter)
  }
  group.always = always
  group.qos0 = qos0
  group.elsewhere = members
  if (isWanted) return
  if (groupName !== '') leaveEmpty(core, group)
  else if (core.wanted.delete(filter)) core.trie.remove(filter, group)
}

function newWanted(core: Core, filter: string): SharedGroup {
  const group = new SharedGroup('', filter)
  core.wanted.set(filter, group)
  core.trie.add(filter, group)
  return group
}

/**
 * A subscription whose client is here, or a clean session's, came or went: what this node wants of others. `qos`: the one that
 * it has, or had.
 */
export function countInterest(
  core: Core,
  subscription: Subscription,
  change: 1 | -1,
  qos: Qos = subscription.qos,
): void {
  const { peers } = core.ports
  if (peers === null) return
  const { filter, group, session } = subscription
  const isByStore = session.durable && qos > 0
  const [always, qos0] = isByStore ? [0, change] : [change, 0]
  if (group === null) countFilter(core, filter, always, qos0)
  else peers.interest(group.filter, group.name, counted(core, filter, always, qos0))
}

/** So many more, or fewer, here want a filter that is not shared. */
export function countFilter(core: Core, filter: string, always: number, qos0: number): void {
  const before = core.interest.get(filter) ?? NOTHING
  const own = counted(core, filter, always, qos0)
  const isChanged = own.always > 0 !== before.always > 0 || own.qos0 > 0 !== before.qos0 > 0
  if (isChanged) core.ports.peers?.interest(filter, '', own)
}

function counted(core: Core, filter: string, always: number, qos0: number): Interest {
  const before = core.interest.get(filter) ?? NOTHING
  const own = { always: before.always + always, qos0: before.qos0 + qos0 }
  if (own.always + own.qos0 === 0) core.interest.delete(filter)
  else core.interest.set(filter, own)
  return own
}

/** Does a subscription of this session count? */
export function isHere({ durable, connection }: Session): boolean {
  return !durable || connection !== null
}

/** The client of a durable session comes, or is gone. */
export function countInterests(core: Core, session: Session, change: 1 | -1): void {
  if (core.ports.peers === null || !session.durable) return
  for (const subscription of subscriptionsOf(session)) countInterest(core, subscription, change)
}
