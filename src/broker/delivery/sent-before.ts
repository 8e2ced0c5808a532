/**
 * What another thread sent a client before it came here, and was not acknowledged there: it waits at the head of the queue to be sent
 * again. An acknowledgement of it counts as if this thread had sent it.
 *
 *     queue   [ sent elsewhere | sent elsewhere | … | never sent ]
 *                                    └── acknowledged: into the window, out of its turn
 */
import type { Fifo } from '../../base/fifo.ts'
import type { Delivery, Session } from '../state/model.ts'
import { countGone } from './backlog.ts'
import { packetIdOf, PACKET_IDS, putInWindow } from './window.ts'

/** The delivery with this packet identifier, which is in flight from now on; undefined: there is none. */
export function takeSentBefore(
  { durable, outbound }: Session,
  packetId: number,
): Delivery | undefined {
  const head = outbound?.queue.peek()
  if (outbound === null || head === undefined || !durable || !outbound.knowsSent) return undefined
  const { queue } = outbound
  const ahead = packetId - packetIdOf(outbound, head.sequence)
  const index = indexOf(outbound.queue, head.sequence + ((ahead + PACKET_IDS) % PACKET_IDS))
  const delivery = queue.at(index)
  if (delivery === undefined || !delivery.dup || delivery.qos === 0) return undefined
  queue.removeAt(index)
  // It costs in the window what it cost in the queue.
  countGone(outbound, delivery.payloadBytes, delivery.qos)
  putInWindow(outbound, delivery, packetId)
  return delivery
}

/** Where in the queue, which is in ascending order, an entry is; -1: nowhere. */
function indexOf(queue: Fifo<Delivery>, sequence: number): number {
  let low = 0
  let high = queue.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((queue.at(middle) as Delivery).sequence < sequence) low = middle + 1
    else high = middle
  }
  return queue.at(low)?.sequence === sequence ? low : -1
}
