/** Shared subscriptions: one member of the group gets each message [MQTT-4.8.2-4]. */
import type { Message } from '../../ports/message.ts'
import type { Core } from '../state/core.ts'
import { Phase, SharedGroup, type Session, type Subscription } from '../state/model.ts'
import type { Verdict } from '../../ports/ports.ts'
import { mayReceive } from '../state/rights.ts'
import { NODES_SHIFT } from '../state/work.ts'
import { leaveToOthers, noteWanted, qosFor } from './crossing.ts'

/**
 * Whose turn it is. Members whose client is there come first, at whatever node; only when none is does the message wait
 * in a durable session's queue. Members who may not read the topic are passed over, and those that are named; one of whom a
 * hook says it later is taken, `group.verdict` is what it gave. Null: nobody; or a member that another node has to serve, which
 * is noted. `crossing` false: another node has left it to this one.
 *
 *     turns   [ members: here, or durable sessions of any node ][ clean members elsewhere ]
 */
export function pickMember(
  core: Core,
  group: SharedGroup,
  message: Message,
  passedOver: readonly Subscription[] | null = null,
  crossing = true,
): Subscription | null {
  const { members } = group
  const turns = crossing ? members.length + group.elsewhere : members.length
  if (group.name === '') noteWanted(core, group, message)
  if (turns === 0) return null
  let offline: Subscription | null = null
  let offlineVerdict: Verdict | null = true
  for (let step = 0; step < turns; step++) {
    const index = (group.next + step) % turns
    if (index >= members.length) return goElsewhere(core, group, index)
    const member = members[index]
    const { session } = member
    if (session.ended || passedOver?.includes(member) === true) continue
    const verdict = member.handler !== null || mayReceive(core, session, message)
    if (verdict === false) continue
    if (session.foreign && crossing && qosFor(core, message, member) === 0)
      return goElsewhere(core, group, index)
    if (isOnline(session, crossing)) {
      core.work -= step >> NODES_SHIFT
      group.next = index + 1
      group.verdict = verdict
      return member
    }
    if (offline === null && (session.durable || member.handler !== null)) {
      offline = member
      offlineVerdict = verdict
    }
  }
  core.work -= members.length >> NODES_SHIFT
  group.next = (group.next + 1) % turns
  group.verdict = offlineVerdict
  return offline
}

/** Its client is here; or elsewhere, and the store brings it there. */
function isOnline({ connection, foreign }: Session, crossing: boolean): boolean {
  return connection === null ? foreign && crossing : connection.phase === Phase.open
}

function goElsewhere(core: Core, group: SharedGroup, index: number): null {
  group.next = index + 1
  leaveToOthers(core, group)
  return null
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
  leaveEmpty(core, group)
}

/** Takes a group out that nobody needs any more, here or elsewhere. */
export function leaveEmpty(core: Core, group: SharedGroup): void {
  if (group.members.length > 0 || (group.always | group.qos0) !== 0) return
  core.groups.delete(`${group.name}/${group.filter}`)
  core.trie.remove(group.filter, group)
}
