/**
 * A PUBLISH to `$CONTROL/…`: a command for the broker. It is carried out where it comes in, before it is acknowledged, and
 * reaches nobody; what is left of one at QoS 2 is its identifier, without the payload, so that it is not carried out twice.
 */
import { heldMessage } from '../state/held.ts'
import { subscriptionsOf } from '../state/own-subscriptions.ts'
import { matches } from '../../topics/names.ts'
import type { Message } from '../../ports/message.ts'
import type { Control, Verdict } from '../../ports/ports.ts'
import type { Core } from '../state/core.ts'
import type { OpenConnection, Session } from '../state/model.ts'
import { ruled, rulingOf } from '../state/waiting.ts'
import { deliverTo } from './fanout.ts'

/** Carries it out; false: nobody may, undefined: it is under way, and the packet comes again. */
export function carryOut(
  core: Core,
  connection: OpenConnection,
  message: Message,
): boolean | undefined {
  const { control, limits } = core.ports
  const known = rulingOf(connection)
  const isTooLong = message.payloadLength > limits.commandBytesMax
  if (known === false || control === null || connection.isOurs || isTooLong) return false
  if (known === null && !isRepeated(core, connection)) {
    const verdict = mayCommand(core, connection)
    if (verdict === false) return false
    const payload = message.payloadBytes().slice()
    return ruled(core, connection, obey(control, connection, verdict, payload))
  }
  empty(message)
  return true
}

function mayCommand(core: Core, { identity, topicName }: OpenConnection): Verdict {
  const { publish } = core.ports.auth
  const { qos, retain } = core.published
  return publish === null || publish(identity, topicName, qos, retain)
}

async function obey(
  control: Control,
  { identity, topicName }: OpenConnection,
  verdict: Verdict,
  payload: Uint8Array,
): Promise<boolean> {
  const isAllowed = verdict === true || (await verdict)
  if (!isAllowed) return false
  await control.command(identity, topicName, payload)
  return true
}

/** The same identifier again is the same command [MQTT-4.3.3-10]. */
function isRepeated(core: Core, { session }: OpenConnection): boolean {
  const { qos, packetId } = core.published
  return qos === 2 && heldMessage(session, packetId) !== undefined
}

/** Commands may hold passwords: nothing of them is kept. */
function empty(message: Message): void {
  message.payloadEnd = message.payloadStart
  message.frameVersion = 0
  message.retain = false
}

/** Delivers a message to the subscriptions of one client; of the others nobody sees it. */
export function tell(core: Core, session: Session, message: Message): void {
  core.shapes.begin(message)
  for (const subscription of subscriptionsOf(session))
    if (subscription.group === null && matches(subscription.filter, message.topicName))
      deliverTo(core, message, subscription, false)
}
