/** All that a broker knows, before it knows anything. */
import { Fifo } from '../base/fifo.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { PublishView } from '../codec/publish.ts'
import { FilterTrie } from '../topics/filter-trie.ts'
import { RetainedTree } from '../topics/retained-tree.ts'
import { Delays } from './state/delays.ts'
import { Journal } from './state/journal.ts'
import { look } from './connection/keepalive.ts'
import { Message, Slab } from '../ports/message.ts'
import { askTurnEnd, type Core } from './state/core.ts'
import type { Subscriber } from './state/model.ts'
import type { Ports } from '../ports/ports.ts'
import { Pressure } from '../ports/pressure.ts'
import { sessionDue } from './session/sessions.ts'
import { SpareArrays } from '../codec/framer.ts'
import { Settlings } from './state/settlings.ts'
import { Shapes } from './state/shapes.ts'
import { Shelf } from './state/shelf.ts'
import type { Stats } from '../ports/stats.ts'

export function createCore(ports: Ports, stats: Stats): Core {
  const slab = new Slab()
  const core: Core = {
    ports,
    stats,
    wheel: new TimerWheel(ports.clock.monotonicMs()),
    expire: (session) => sessionDue(core, session),
    look: (connection) => look(core, connection),
    trie: new FilterTrie<Subscriber>(),
    retained: new RetainedTree<number>(),
    shelf: new Shelf((topic, place) => core.retained.set(topic, place)),
    retainedBytes: 0,
    sessions: new Map(),
    sessionsOfUser: new Map(),
    directs: new Map(),
    announced: new Set(),
    connections: new Set(),
    hasBridge: false,
    groups: new Map(),
    wanted: new Map(),
    interest: new Map(),
    crossing: 0,
    crossingGroups: [],
    peerMatches: null,
    cleanSessions: 0,
    journal: new Journal(ports.store, () => askTurnEnd(core)),
    shapes: new Shapes(),
    delays: new Delays(),
    dirty: [],
    ...noOpenings(),
    looks: new Map(),
    settlings: new Settlings(),
    lastRequest: 0,
    opened: [],
    work: ports.limits.workPerTurn,
    tasks: new Fifo(),
    lanes: new Map(),
    unbroken: null,
    sealDue: false,
    rulings: new Set(),
    ruled: new Set(),
    owing: new Set(),
    replaying: new Set(),
    writers: [],
    spareInput: new SpareArrays(),
    published: new PublishView(),
    incoming: new Message(slab),
    replayed: new Message(slab),
    pressure: Pressure.none,
    pressurePeak: { level: Pressure.none, usedBytes: 0 },
    keptBytes: 0,
    keptBytesNext: Infinity,
    memory: { limit: 0, others: 0 },
    largeReadBytesLeft: Infinity,
    heldBack: [],
    tap: null,
    ready: false,
    full: false,
    withoutStore: false,
    turnEndAsked: false,
    isLeaving: false,
    stopping: false,
  }
  return core
}

/** Nobody is about to have a session. */
function noOpenings() {
  return {
    openings: new Map(),
    placesKept: 0,
    claims: new Map(),
    leaving: new Map(),
    kicks: new Map(),
    early: [],
  } satisfies Partial<Core>
}
