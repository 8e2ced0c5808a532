/**
 * A member of a shared subscription that ends: what it was sent at QoS 1 and did not acknowledge goes to
 * another member (MQTT 5.0, 4.8.2). QoS 2 stays with whom it was sent to [MQTT-4.8.2-6].
 */
import { deliverToNext } from './fanout.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import type { Core, Delivery, Outbound } from '../state/model.ts'

/** `outbound` belongs to a clean session that has ended and left its groups. */
export function handOver(core: Core, outbound: Outbound): void {
  if (core.stopping) return
  for (const [, delivery] of outbound.inflight.entriesBehind(outbound.lastPacketId))
    handOverOne(core, delivery)
  for (let next = outbound.queue.shift(); next !== undefined; next = outbound.queue.shift())
    handOverOne(core, next)
}

function handOverOne(core: Core, { group, message }: Delivery): void {
  if (group === null || message === null) return
  if (isExpired(core, message)) return dropped(core, null, 'expired')
  deliverToNext(core, message, group, null)
}
