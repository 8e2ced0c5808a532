/** What joins the cores of all threads, in the first one: the one store, and where their peers meet. */
import type { Limits } from '../ports/limits.ts'
import type { Peers } from '../ports/peers.ts'
import type { Store } from '../ports/store.ts'
import type { Flow } from '../threads/flow.ts'
import { JointStore } from '../threads/joint-store.ts'
import { Junction } from '../threads/junction.ts'
import { servePeers } from '../threads/peers-wire.ts'
import { serveStore } from '../threads/serve-store.ts'
import { linkThread, LocalWay, type Port } from '../threads/thread-link.ts'

export interface ThreadJunction {
  readonly joint: JointStore
  /** The first thread's own. */
  readonly store: Store
  readonly peers: Peers
  /** Serves the core of another thread, which is reached by `port`. */
  serve(index: number, port: Port, flow: Flow): void
}

/** @param count Threads, the first one included. */
export function createJunction(own: Store, limits: Limits, count: number): ThreadJunction {
  const way = new LocalWay()
  const junction = new Junction()
  const joint = new JointStore(own, {
    doors: count,
    hasRoom: ({ queuedCount, queuedBytes }, { payloadLength }) => {
      const bytesMax = own.survives ? limits.storedBytesMax : limits.queuedBytesMax
      return (
        (limits.queuedMax === 0 || queuedCount < limits.queuedMax) &&
        (bytesMax === 0 || queuedBytes + payloadLength <= bytesMax)
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
    serve(index, port, flow) {
      const { out } = linkThread(
        port,
        (op, reader) => way.whileIdle(() => void (peers.read(op, reader) || calls(op, reader))),
        () => true,
        flow,
      )
      const peers = servePeers(junction, nameOf(index), out, flow)
      const door = joint.door(nameOf(index), (run) => run(), peers.sync)
      const calls = serveStore(door, out)
    },
  }
}

function nameOf(index: number): string {
  return `thread ${index}`
}
