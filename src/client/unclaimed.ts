/**
 * Messages at QoS 1 and 2 that no subscription takes, unacknowledged, for a while: of a session that the server kept, whose
 * program may only be about to subscribe again; and those that a loop was left with before it was handed them.
 */
import { Reason } from '../codec/reason-codes.ts'
import type { Message } from './message.ts'
import type { Core } from './model.ts'

/** How long they wait for a subscription that takes them. */
const CLAIM_MS = 10_000

/** @param reason What the server is told, in MQTT 5.0, when nobody takes the message in time. */
function keep(core: Core, message: Message, reason: number): void {
  core.unclaimed.push({ message, reason })
  core.claimTimer ??= core.runtime.setTimer(CLAIM_MS, () => letGo(core))
}

/** No subscription matches. */
export function keepUnclaimed(core: Core, message: Message): void {
  message.addKeeper()
  keep(core, message, Reason.success)
}

/** A loop was left before it came to `message`, whose keeper it was to be. */
export function leaveUnclaimed(core: Core, message: Message): void {
  keep(core, message, Reason.implementationSpecificError)
}

function letGo(core: Core): void {
  const { unclaimed } = core
  core.unclaimed = []
  core.claimTimer = null
  core.stats.unclaimedMessages += unclaimed.length
  for (const { message, reason } of unclaimed) {
    message.reason = reason
    message.dropKeeper()
  }
}

/** A subscription was made: what waited for it is its own. */
export function claim(core: Core): void {
  const { unclaimed } = core
  if (unclaimed.length === 0) return
  core.unclaimed = []
  for (const one of unclaimed) {
    const sinks = core.sinks.match(one.message.topic)
    if (sinks.length === 0) {
      core.unclaimed.push(one)
      continue
    }
    for (const sink of sinks) sink.take(one.message)
    one.message.dropKeeper()
  }
}

/** The session goes on by a new connection: QoS 1 messages of the last one will come again. */
export function forgetUnclaimed(core: Core): void {
  core.unclaimed = core.unclaimed.filter(
    ({ message: { qos, epoch } }) => qos !== 1 || epoch === core.epoch,
  )
}
