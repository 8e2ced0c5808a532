/**
 * Cores of this process that are joined as those of threads are: one junction, doors to one store, and between the first and
 * every other one real bytes. What goes over a way arrives when its lane's turn comes.
 */
import type { Peers } from '../../src/ports/peers.ts'
import type { Store } from '../../src/ports/store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { Junction } from '../../src/threads/junction.ts'
import { RemotePeers, servePeers } from '../../src/threads/peers-wire.ts'
import { RemoteStore } from '../../src/threads/remote-store.ts'
import { serveStore } from '../../src/threads/serve-store.ts'
import { linkThread, LocalWay, type Port, type ThreadLink } from '../../src/threads/thread-link.ts'

/** Runs what it is given later, one after the other. */
export type Lane = (run: () => void) => void

export interface JoinedCores {
  readonly ports: readonly { readonly store: Store; readonly peers: Peers }[]
  /** Is anything on its way that is not in a lane yet? */
  isBusy(): boolean
}

/** @param lane A lane of its own for each name. */
export function joinCores(store: Store, count: number, lane: (name: string) => Lane): JoinedCores {
  const junction = new Junction()
  const joint = new JointStore(store, { doors: count, hasRoom: () => true })
  const way = new LocalWay()
  const links: ThreadLink[] = []
  const first = {
    store: joint.door('thread 0', way.defer),
    peers: junction.join('thread 0', {
      defer: way.defer,
      sync: way.defer,
      get copies() {
        return way.copies
      },
    }),
  }
  const others = Array.from({ length: count - 1 }, (_, index) => {
    const name = `thread ${index + 1}`
    const [here, there] = portPair(lane(`to ${name}`), lane(`from ${name}`))
    const serving = linkThread(
      here,
      (op, reader) =>
        way.whileIdle(() => void (servesPeers.read(op, reader) || servesStore(op, reader))),
      () => true,
    )
    const servesPeers = servePeers(junction, name, serving.out)
    const door = joint.door(name, (run) => run(), servesPeers.sync)
    const servesStore = serveStore(door, serving.out)
    const link = linkThread(
      there,
      (op, reader) => void (peers.told(op, reader) || remote.told(op, reader)),
      () => !remote.isDirty,
    )
    const peers = new RemotePeers(link.out)
    const remote = new RemoteStore(link.out, store.survives)
    links.push(serving, link)
    return { store: remote, peers }
  })
  return { ports: [first, ...others], isBusy: () => links.some(({ out }) => out.length > 0) }
}

/** Two ends; what is posted to one is heard at the other. */
function portPair(toSecond: Lane, toFirst: Lane): [Port, Port] {
  const listeners: ((value: unknown) => void)[] = []
  const end = (own: number, lane: Lane): Port => ({
    postMessage: (value: unknown) => lane(() => listeners[1 - own]?.(value)),
    on: (_event: 'message', listen: (value: unknown) => void) => (listeners[own] = listen),
  })
  return [end(0, toSecond), end(1, toFirst)]
}
