/**
 * A member of a shared subscription that ends: what it was sent at QoS 1 and did not acknowledge goes to
 * another member (MQTT 5.0, 4.8.2). QoS 2 stays with whom it was sent to [MQTT-4.8.2-6].
 *
 *     clean     from memory, at once
 *     durable   page by page from the store; its part there is deleted with the last page, in one batch: a crash before that
 *               hands over once more. Meanwhile a CONNECT of its client id waits.
 */
import { matches } from '../../topics/names.ts'
import type { Message } from '../../ports/message.ts'
import type { StoredDelivery } from '../../ports/store.ts'
import { qosFor } from './crossing.ts'
import { deliverToNext } from './fanout.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import { subscriptionsOf } from '../state/own-subscriptions.ts'
import type { Core } from '../state/core.ts'
import type { Delivery, Outbound, Session, SharedGroup, Subscription } from '../state/model.ts'

/** Entries between two looks at what others want. */
const PAGE = 100

/** `outbound` belongs to a clean session that has ended and left its groups. */
export function handOver(core: Core, outbound: Outbound): void {
  if (core.stopping) return
  for (const [, delivery] of outbound.inflight.entriesBehind(outbound.lastPacketId))
    handOverOne(core, delivery)
  for (let next = outbound.queue.shift(); next !== undefined; next = outbound.queue.shift())
    handOverOne(core, next)
}

function handOverOne(core: Core, { group, message }: Delivery): void {
  if (group !== null && message !== null) give(core, message, group)
}

function give(core: Core, message: Message, group: SharedGroup): void {
  if (isExpired(core, message)) dropped(core, null, 'expired')
  else deliverToNext(core, message, group, null)
}

/** Of a durable session that ends: its subscriptions, if there are shared ones with other members. */
export function sharedWithOthers(core: Core, session: Session): Subscription[] {
  // With other nodes a session is one's own for as long as a claim lasts.
  if (core.stopping || core.ports.peers !== null) return []
  const subscriptions = [...subscriptionsOf(session)]
  return subscriptions.some(isSharedWithOthers) ? subscriptions : []
}

function isSharedWithOthers({ group, qos }: Subscription): boolean {
  return group !== null && qos > 0 && group.members.length > 1
}

/** Hands over what waits in the store for `session`, which has ended, and deletes its part there. */
export function handOverStored(
  core: Core,
  { clientId }: Session,
  subscriptions: readonly Subscription[],
): void {
  core.leaving.set(clientId, [])
  const read = (after: number): void => {
    const request = ++core.lastRequest
    core.looks.set(request, (entries, more) => {
      for (const entry of entries) handOverEntry(core, subscriptions, entry)
      const last = entries.at(-1)
      if (more && last !== undefined) read(last.sequence)
      else deleteLeft(core, clientId)
    })
    core.journal.read(request, clientId, after, PAGE)
  }
  read(0)
}

/** Nobody noted what it was queued for: where more than one subscription fits, one that was served already would get it twice. */
function handOverEntry(
  core: Core,
  subscriptions: readonly Subscription[],
  { message, qos, subscriptionId, released }: StoredDelivery,
): void {
  if (qos !== 1 || released) return
  const fitting = subscriptions.filter(
    (one) =>
      one.subscriptionId === subscriptionId &&
      qosFor(core, message, one) === qos &&
      matches(one.group?.filter ?? one.filter, message.topicName),
  )
  const [only] = fitting
  if (fitting.length === 1 && only.group !== null) give(core, message, only.group)
}

function deleteLeft(core: Core, clientId: string): void {
  core.journal.deleteSession(clientId)
  const waiting = core.leaving.get(clientId) ?? []
  core.leaving.delete(clientId)
  for (const goOn of waiting) goOn()
}
