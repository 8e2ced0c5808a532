/**
 * Cores of this process that are joined as those of threads are: one junction, doors to one store, and between each two of them
 * real bytes. What goes over a way arrives when its lane's turn comes.
 */
import type { Peers } from '../../src/ports/peers.ts'
import type { Store } from '../../src/ports/store.ts'
import {
  flushOthers,
  linkDirectly,
  passOn,
  type DirectEnd,
} from '../../src/threads/direct-links.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { Junction } from '../../src/threads/junction.ts'
import { Call } from '../../src/threads/ops.ts'
import { RemotePeers, servePeers } from '../../src/threads/peers-wire.ts'
import { RemoteStore } from '../../src/threads/remote-store.ts'
import { serveStore } from '../../src/threads/serve-store.ts'
import {
  LocalWay,
  readFrom,
  sendTo,
  type Port,
  type ThreadLink,
} from '../../src/threads/thread-link.ts'
import { Tickets } from '../../src/threads/tickets.ts'
import type { WireReader, WireWriter } from '../../src/threads/wire.ts'

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
  const tickets = new Tickets(new BigInt64Array(1))
  const served = new Map<number, ThreadLink>()
  const pairs = pairsOf(count, lane)
  const joint = new JointStore(store, { doors: count, hasRoom: () => true })
  const way = new LocalWay()
  const outs: WireWriter[] = []
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
    const number = index + 1
    const name = `thread ${number}`
    const [here, there] = portPair(lane(`to ${name}`), lane(`from ${name}`))
    const read = (op: number, reader: WireReader): void => {
      if (op === Call.pass) passOn(served, number, reader.number())
      else way.whileIdle(() => void (servesPeers.read(op, reader) || servesStore(op, reader)))
    }
    readFrom(here, read, null)
    const serving = sendTo(here, { flow: null, tickets })
    served.set(number, serving)
    const servesPeers = servePeers(junction, name, serving.out, null, () =>
      flushOthers(served, number),
    )
    const door = joint.door(name, (run) => run(), servesPeers.sync)
    const servesStore = serveStore(door, serving.out)
    const options = {
      tickets,
      receive: (port: Port) => (port as PulledPort).receive(),
      read: (op: number, reader: WireReader) =>
        void (peers.told(op, reader) || remote.told(op, reader)),
      other: () => {},
    }
    const isWhole = (): boolean => !remote.isDirty
    const link = linkDirectly(options, { port: there, flow: null }, pairs[number], isWhole)
    const peers = new RemotePeers(link.out, null, link.directly)
    const remote = new RemoteStore(link.out, store.survives, () => link.directly.behind())
    outs.push(serving.out, ...link.outs)
    return { store: remote, peers }
  })
  return { ports: [first, ...others], isBusy: () => outs.some(({ length }) => length > 0) }
}

interface PulledPort extends Port {
  receive(): { readonly message: unknown } | undefined
}

/** Ends of what joins each two of the others, by number. */
function pairsOf(count: number, lane: (name: string) => Lane): DirectEnd[][] {
  const ends = Array.from({ length: count }, (): DirectEnd[] => [])
  for (let one = 1; one < count; one++)
    for (let other = one + 1; other < count; other++) {
      const [a, b] = portPair(lane(`${one} to ${other}`), lane(`${other} to ${one}`))
      ends[one].push({ index: other, port: a, flow: null })
      ends[other].push({ index: one, port: b, flow: null })
    }
  return ends
}

/** Two ends; what is posted to one is there at the other, and heard when its lane's turn comes, or taken before. */
function portPair(toSecond: Lane, toFirst: Lane): [PulledPort, PulledPort] {
  const listeners: ((value: unknown) => void)[] = []
  const waiting: unknown[][] = [[], []]
  const end = (own: number, lane: Lane): PulledPort => ({
    postMessage(value: unknown) {
      const there = waiting[1 - own]
      there.push(value)
      lane(() => {
        if (there.length > 0) listeners[1 - own]?.(there.shift())
      })
    },
    on: (_event: 'message', listen: (value: unknown) => void) => (listeners[own] = listen),
    receive: () => (waiting[own].length > 0 ? { message: waiting[own].shift() } : undefined),
  })
  return [end(0, toSecond), end(1, toFirst)]
}
