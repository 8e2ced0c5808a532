/** QoS 0 to a client that is there: into its output, unless too much waits in that. */
import type { Message } from '../../ports/message.ts'
import { Pressure } from '../../ports/pressure.ts'
import { dropped } from '../state/drops.ts'
import type { Core } from '../state/core.ts'
import type { Connection, Subscription } from '../state/model.ts'
import { isSlow } from './outbox.ts'
import { publishFlags, sendPublish, sendShaped } from './send-publish.ts'

/** Sends `message`, whose right is given, as one of a fan-out. */
export function sendQos0(
  core: Core,
  connection: Connection,
  message: Message,
  subscription: Subscription,
  retain: boolean,
): void {
  const { session, subscriptionIds: ids } = subscription
  if (connection.inLink !== null && isBehind(core, connection))
    return dropped(core, session, 'slowClient')
  const flags = publishFlags(0, retain)
  const sent =
    ids === null
      ? sendShaped(core, connection, message, flags, 0)
      : sendPublish(core, connection, message, flags, 0, ids)
  if (!sent) dropped(core, session, 'overClientMaximum')
}

function isBehind(core: Core, connection: Connection): boolean {
  const { outputBytesMax, outputAllBytesMax } = core.ports.limits
  if (core.pressure >= Pressure.dropQos0) return isSlow(connection, 0, 0)
  return isSlow(connection, outputBytesMax, Math.max(outputBytesMax, outputAllBytesMax))
}
