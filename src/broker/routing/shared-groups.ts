/** Shared subscriptions: one member of the group gets each message [MQTT-4.8.2-4]. */
import { Phase, SharedGroup, type Core, type Subscription } from '../state/model.ts'
import type { Verdict } from '../../ports/ports.ts'
import { mayReceive } from '../state/rights.ts'
import { NODES_SHIFT } from '../state/work.ts'

/**
 * Whose turn it is. Members whose client is there come first; only when none is does the message wait
 * in a durable session's queue. Members who may not read `topic` are passed over, and those that are named; one of whom a
 * hook says it later is taken, `group.verdict` is what it gave.
 */
export function pickMember(
  core: Core,
  group: SharedGroup,
  topic: string,
  passedOver: readonly Subscription[] | null = null,
): Subscription | null {
  const { members } = group
  if (members.length === 0) return null
  let offline: Subscription | null = null
  let offlineVerdict: Verdict | null = true
  for (let step = 0; step < members.length; step++) {
    const index = (group.next + step) % members.length
    const member = members[index]
    const { connection, ended } = member.session
    if (ended || passedOver?.includes(member) === true) continue
    const verdict = member.handler !== null || mayReceive(core, member.session, topic)
    if (verdict === false) continue
    if (connection !== null && connection.phase === Phase.open) {
      core.work -= step >> NODES_SHIFT
      group.next = index + 1
      group.verdict = verdict
      return member
    }
    if (offline === null && (member.session.durable || member.handler !== null)) {
      offline = member
      offlineVerdict = verdict
    }
  }
  core.work -= members.length >> NODES_SHIFT
  group.next = (group.next + 1) % members.length
  group.verdict = offlineVerdict
  return offline
}

/** The group of `$share/name/filter`, made and put into the trie with its first member. */
export function groupOf(core: Core, name: string, filter: string): SharedGroup {
  const key = `${name}/${filter}`
  let group = core.groups.get(key)
  if (group === undefined) {
    group = new SharedGroup(name, filter)
    core.groups.set(key, group)
    core.trie.add(filter, group)
  }
  return group
}

/** Takes a member out; the last one takes the group along. */
export function leaveGroup(core: Core, group: SharedGroup, member: Subscription): void {
  const index = group.members.indexOf(member)
  if (index < 0) return
  group.members.splice(index, 1)
  if (group.next > index) group.next--
  if (group.members.length > 0) return
  core.groups.delete(`${group.name}/${group.filter}`)
  core.trie.remove(group.filter, group)
}
