/** The core with all it needs to live in a Node process: the broker process and the library share it. */
import type { Socket } from 'node:net'
import type { Log } from '../base/log.ts'
import { Broker } from '../broker/broker.ts'
import type { Config } from '../config/config.ts'
import type { Limits } from '../ports/limits.ts'
import type { Peers } from '../ports/peers.ts'
import type { Auth, Control, ListenerOptions, Observer } from '../ports/ports.ts'
import type { Store } from '../ports/store.ts'
import type { ConnectionBudget } from '../transports/connection-budget.ts'
import { AddressBudget } from '../transports/address-budget.ts'
import { ConnectionRate } from '../transports/connection-rate.ts'
import type { Denied, EntranceSettings } from '../transports/entrance.ts'
import { listen, listenShared, type Listener, type ListenOptions } from '../transports/listener.ts'
import { HandshakeGate } from '../transports/tls.ts'
import { fileDescriptorLimit } from './file-descriptors.ts'
import { nodeClock, nodeRandom } from './node-ports.ts'

/** What is counted together with other threads, or the same in all of them. */
interface EngineBudgets {
  readonly connections: ConnectionBudget
  readonly sockets: ConnectionBudget
  readonly addresses?: AddressBudget
  /** Of {@link ConnectionRate}. */
  readonly nextPlace?: BigInt64Array
  /** Seals TLS sessions. */
  readonly sessionKeys?: Uint8Array | null
}

export interface EngineOptions {
  /** May be changed while the engine runs. */
  readonly limits: Limits
  readonly auth: Auth
  readonly control: Control | null
  readonly observer: Observer | null
  readonly store: Store
  /** null: a broker of its own. */
  readonly peers: Peers | null
  /** May anything be said to clients? Asked before every flush; null: always. */
  readonly mayAnswer: (() => boolean) | null
  readonly log: Log
  /** Connections of all listeners, and sockets; absent: counted here alone. */
  readonly budgets?: EngineBudgets
  /** Called every {@link TICK_MS}. */
  onTick(): void
  /** Called at the end of every turn in which the core did something, outside of the core. */
  onTurnEnd(): void
  /** The store failed: nothing can be promised any more. */
  onFatal(error: Error): void
}

export interface Engine {
  readonly broker: Broker
  readonly connections: ConnectionBudget
  readonly addresses: AddressBudget
  readonly rate: ConnectionRate
  readonly handshakes: HandshakeGate
  /** What seals TLS sessions in all threads; null: there is one. */
  readonly sessionKeys: Uint8Array | null
  /**
   * Opens the store; resolves when all it keeps is there. Connections made before wait for it, and for `first`,
   * which calls `go` when it is through.
   *
   * @throws StoreError
   */
  start(first?: (go: () => void) => void): Promise<void>
  /** @throws ListenError */
  listen(options: ListenOptions, clients: ListenerClients): Promise<Listener>
  /**
   * Accepts from sockets that another thread listens on, by numbers of this thread's own.
   *
   * @param port The one that they are bound to.
   */
  share(descriptors: readonly number[], port: number, clients: ListenerClients): Promise<void>
  /** Takes connections, or leaves them to other threads for a while. */
  accept(takes: boolean): void
  /** Takes no more connections; `which`: by which listeners, absent: by none. */
  deafen(which?: (clients: ListenerClients) => boolean): void
  /** Closes listeners, then connections, then the store. */
  stop(): Promise<void>
}

/** What holds for the clients of one listener. The objects may be changed while it listens. */
export interface ListenerClients {
  /** Its port is set to the one that was bound. */
  readonly options: ListenerOptions
  readonly budget: ConnectionBudget
  readonly entrance: EntranceSettings
}

export const TICK_MS = 100

/** Descriptors that are kept for other things than connections. */
const SPARE_DESCRIPTORS = 64
const STOP_MS_MAX = 2500
const STOP_POLL_MS = 10

/** Most sockets that the process has descriptors for; 0: unknown. */
function socketsMax(): number {
  const limit = fileDescriptorLimit()
  return limit === 0 ? 0 : Math.max(1, limit - SPARE_DESCRIPTORS)
}

/** Sets how many connections there may be, and how fast they may come. */
export function boundConnections(
  { connections, addresses, rate }: Pick<Engine, 'connections' | 'addresses' | 'rate'>,
  { global }: Config,
): void {
  connections.max = global.globalMaxConnections
  addresses.max = global.connectionsPerAddressMax
  rate.perSecond = global.connectionsPerSecondMax
}

/** Shared with no other thread. */
function ownBudgets(): EngineBudgets {
  return { connections: { max: 0, open: 0 }, sockets: { max: 0, open: 0 } }
}

export function createEngine(options: EngineOptions): Engine {
  const { limits, auth, control, observer, store, peers, mayAnswer, log, onTurnEnd } = options
  const endTurn = (): void => {
    broker.endTurn()
    onTurnEnd()
  }
  const broker = new Broker({
    clock: nodeClock,
    random: nodeRandom,
    log,
    store,
    peers,
    auth,
    control,
    observer,
    limits,
    mayAnswer,
    requestTurnEnd: () => void setImmediate(endTurn),
    fatal: (error) => onFatal(error),
  })
  let onFatal = options.onFatal
  const budgets: EngineBudgets = options.budgets ?? ownBudgets()
  const { connections, sockets, addresses = new AddressBudget(), nextPlace } = budgets
  sockets.max = socketsMax()
  const rate = new ConnectionRate(0, nextPlace)
  const accepting = acceptors({
    broker,
    limits,
    log,
    connections,
    sockets,
    addresses,
    rate,
    denied: tellDenied(observer),
  })
  // What has arrived meanwhile is read before anybody's time is judged.
  const timer = setInterval(() => setImmediate(tick, broker, options), TICK_MS).unref()

  return {
    broker,
    connections,
    addresses,
    rate,
    handshakes: new HandshakeGate(),
    sessionKeys: budgets.sessionKeys ?? null,
    start: (first) =>
      new Promise((resolve, reject) => {
        onFatal = (error) => {
          clearInterval(timer)
          reject(error)
        }
        broker.start(() => {
          onFatal = options.onFatal
          resolve()
        }, first)
      }),
    ...accepting,
    async stop() {
      accepting.deafen()
      await new Promise<void>((resolve) => broker.stop(resolve))
      await untilClosed(sockets)
      clearInterval(timer)
    },
  }
}

type Accepting = Pick<Engine, 'connections' | 'addresses' | 'rate' | 'broker'> & {
  readonly limits: Limits
  readonly log: Log
  readonly sockets: ConnectionBudget
  readonly denied: Denied
}

/** Of a flood these many a second are told; the log has them all. */
const DENIED_PER_SECOND = 20

function tellDenied(observer: Observer | null): Denied {
  let second = 0
  let told = 0
  return (remote, why) => {
    const now = Math.floor(nodeClock.monotonicMs() / 1000)
    if (now !== second) told = 0
    second = now
    if (told++ < DENIED_PER_SECOND) observer?.refused?.(null, remote, why)
  }
}

/** Where clients come in. */
function acceptors(to: Accepting): Pick<Engine, 'listen' | 'share' | 'accept' | 'deafen'> {
  const { broker, limits, log, connections, sockets, addresses, rate, denied } = to
  let listeners: { readonly clients: ListenerClients; readonly listener: Listener }[] = []
  const entranceOf = ({ options, budget, entrance }: ListenerClients) => ({
    owner: { core: broker, listener: options },
    settings: entrance,
    log,
    own: budget,
    all: connections,
    sockets,
    addresses,
    rate,
    denied,
    waiting: new Set<Socket>(),
    arriving: new Set<Socket>(),
    stageMsMax: () => limits.connectTimeoutMs,
  })
  return {
    async listen(place, clients) {
      const listener = await listen(place, entranceOf(clients))
      listeners.push({ clients, listener })
      return listener
    },
    async share(descriptors, port, clients) {
      clients.options.port = port
      listeners.push({ clients, listener: await listenShared(descriptors, entranceOf(clients)) })
    },
    accept(takes) {
      for (const { listener } of listeners) listener.accept(takes)
    },
    deafen(which = () => true) {
      for (const { clients, listener } of listeners) if (which(clients)) listener.close()
      listeners = listeners.filter(({ clients }) => !which(clients))
    },
  }
}

function tick(broker: Broker, { onTick }: EngineOptions): void {
  broker.tick()
  onTick()
}

async function untilClosed(sockets: ConnectionBudget): Promise<void> {
  const deadline = nodeClock.monotonicMs() + STOP_MS_MAX
  while (sockets.open > 0 && nodeClock.monotonicMs() < deadline)
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS))
}
