/** What joins the cores of all threads, in the first one: the one store, and where their peers meet. */
import type { Limits } from '../ports/limits.ts'
import type { Peers } from '../ports/peers.ts'
import type { Store } from '../ports/store.ts'
import { flushOthers, passOn } from '../threads/direct-links.ts'
import type { Flow } from '../threads/flow.ts'
import { JointStore } from '../threads/joint-store.ts'
import { Junction } from '../threads/junction.ts'
import { Call } from '../threads/ops.ts'
import { servePeers } from '../threads/peers-wire.ts'
import { serveStore } from '../threads/serve-store.ts'
import { LocalWay, readFrom, sendTo, type Port, type ThreadLink } from '../threads/thread-link.ts'
import type { Tickets } from '../threads/tickets.ts'
import type { WireReader } from '../threads/wire.ts'

export interface ThreadJunction {
  readonly joint: JointStore
  /** The first thread's own. */
  readonly store: Store
  readonly peers: Peers
  /** Serves the core of another thread, which is reached by `port`; `tickets`: where there are direct links. */
  serve(index: number, port: Port, flow: Flow, tickets?: Tickets): void
}

/** @param count Threads, the first one included. */
export function createJunction(own: Store, limits: Limits, count: number): ThreadJunction {
  const way = new LocalWay()
  const links = new Map<number, ThreadLink>()
  const junction = new Junction()
  const joint = new JointStore(own, {
    doors: count,
    hasRoom: ({ count: waiting, bytes }) => {
      const bytesMax = own.survives ? limits.storedBytesMax : limits.queuedBytesMax
      return (
        (limits.queuedMax === 0 || waiting < limits.queuedMax) &&
        (bytesMax === 0 || bytes < bytesMax)
      )
    },
  })
  return {
    joint,
    store: joint.door(nameOf(0), way.defer),
    peers: junction.join(nameOf(0), {
      defer: way.defer,
      sync: way.defer,
      get copies() {
        return way.copies
      },
    }),
    serve(index, port, flow, tickets) {
      const read = (op: number, reader: WireReader): void => {
        if (op === Call.pass) passOn(links, index, reader.number())
        else way.whileIdle(() => void (peers.read(op, reader) || calls(op, reader)))
      }
      readFrom(port, read, flow)
      const link = sendTo(port, { flow, tickets })
      const { out } = link
      const beforeGrant = (): void => void (tickets !== undefined && flushOthers(links, index))
      const peers = servePeers(junction, nameOf(index), out, flow, beforeGrant)
      links.set(index, link)
      const door = joint.door(nameOf(index), (run) => run(), peers.sync)
      const calls = serveStore(door, out)
    },
  }
}

function nameOf(index: number): string {
  return `thread ${index}`
}
