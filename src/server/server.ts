/** The broker process: where the configuration, the core and the world meet. */
import { LogType } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { Cluster } from './cluster.ts'
import type { Limits } from '../ports/limits.ts'
import type { Control, Observer, Store } from '../ports/ports.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import { createBridgeTopics } from '../telemetry/bridge-topics.ts'
import { createSysTopics } from '../telemetry/sys-topics.ts'
import type { ConnectionBudget } from '../transports/connection-budget.ts'
import type { AddressBudget } from '../transports/address-budget.ts'
import type { ConnectionRate } from '../transports/connection-rate.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import type { ListenOptions } from '../transports/listener.ts'
import { ListenError } from '../transports/places.ts'
import type { Bans } from '../auth/bans/bans.ts'
import { banFileOf, createBanDesk, gateOf, openBans, type BanDesk } from './ban-desk.ts'
import { bridgeSide } from './bridge-side.ts'
import { bridgesOf, createBridges, type Bridges } from './bridges.ts'
import { createControl } from './control.ts'
import { boundConnections, createEngine, TICK_MS, type Engine } from './engine.ts'
import { everyoneOf, type Everyone } from './everyone.ts'
import type { HttpListeners } from './http.ts'
import { limitsOfConfig, listenerOptionsOf } from './limits-of-config.ts'
import {
  loadEntrances,
  pagesOf,
  whereOf,
  type PagesEntrance,
  type RunningListener,
} from './listeners.ts'
import { logSettingsOf, type ServerLog } from './log-destinations.ts'
import { createMemoryWatch, usedBytes } from './memory-watch.ts'
import { nodeClock } from './node-ports.ts'
import type { Launch } from './config-view.ts'
import { createStore, logPersistence, persistenceOf, type Persistence } from './persistence.ts'
import { removePidFile } from './pid-file.ts'
import { applyUmask, dropPrivileges } from './privileges.ts'
import {
  createServerSecurity,
  prepareSecurityFiles,
  warnOfUnreadable,
  type ServerSecurity,
} from './security.ts'
import { carryOutFor } from './remote-control.ts'
import { logStart } from './start-lines.ts'
import { figuresOf } from './thread-figures.ts'
import type { SharedListener, ThreadCommand } from './thread-messages.ts'
import {
  checkThreads,
  createThreads,
  threadCountOf,
  type ThreadOptions,
  type Threads,
} from './threads.ts'
import { createUserAdmin, type UserAdmin } from './user-admin.ts'
import { version } from './version.ts'

export interface ServerOptions {
  readonly config: Config
  /** null: none was given. */
  readonly configFile: string | null
  /** `--no-persistence`. */
  readonly memoryOnly: boolean
  /** `-v` is 'all', `-q` is 'none'. */
  readonly logging: 'all' | 'none' | null
  readonly log: ServerLog
  /** `--tls-keylog`; null: none. */
  readonly tlsKeyLogFile: string | null
  /** The store failed; the process is to end. */
  onFatal(error: Error): void
}

export interface Server {
  readonly broker: Broker
  readonly log: ServerLog
  readonly limits: Limits
  readonly security: ServerSecurity
  readonly everyone: Everyone
  /** Changes users, groups and roles. */
  readonly users: UserAdmin
  readonly banDesk: BanDesk
  /** null: this thread is the only one. */
  readonly threads: Threads | null
  readonly listeners: readonly RunningListener[]
  readonly connections: ConnectionBudget
  /** null: a broker of its own. */
  readonly cluster: Cluster | null
  /** null: state is in memory. */
  readonly persistence: Persistence | null
  readonly addresses: AddressBudget
  readonly rate: ConnectionRate
  /** The HTTP servers of listeners with `protocol http_api`, by name. */
  readonly pages: ReadonlyMap<string, PagesEntrance>
  /** Where the page is that nobody configured, in words for who started the broker; null: there is none. */
  pageNote: string | null
  /** Connections wait while it is `starting`. */
  status: 'starting' | 'ok' | 'stopping'
  /**
   * What the listeners that run would be with `config`, by name; reads the files it names.
   *
   * @throws ConfigError when one of them cannot be used.
   */
  entrances(config: Config): ReadonlyMap<string, EntranceSettings>
  readonly bridges: Bridges
  /** What the command line said beside the file. */
  readonly launch: Launch
  /** The configuration that is in force; replaced by a reload. */
  config: Config
  /** Wills, 0x8B, links, listeners, store, pid file; in this order. */
  stop(): Promise<void>
}

const publishedLines = new TextEncoder()
const LINE_EXPIRY_SECONDS = 20
const TICKS_PER_SECOND = 1000 / TICK_MS

/**
 * Starts the broker.
 *
 * @throws ConfigError, AuthFileError, ListenError, PrivilegeError, or the system's error when the pid file cannot
 * be written.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, configFile, logging, log, tlsKeyLogFile } = options
  applyUmask()
  const persistence = persistenceOf(config, configFile, hasNoStore(options))
  logStart(log, config, configFile)
  const securityFiles = await prepareSecurityFiles(config, log)
  const cluster = await join(options, () => broker.counts())
  const guard = guardOf(options, persistence, () => server)
  const { security, bans } = guard
  logPersistence(log, persistence)
  const limits = limitsOfConfig(config.global)
  const observer: Observer = {}
  const control = createControl()
  const parts = { ...guard, limits, observer, control }
  const { engine, threads } = coreOf(options, cluster, persistence, parts, () => chores())
  const { broker, connections, addresses, rate } = engine
  const everyone = everyoneOf(broker, threads)
  const bridges = createBridges(bridgeSide(broker, threads), log, bridgesOf(config))
  boundConnections(engine, config)
  const server: Server = {
    broker,
    log,
    limits,
    security,
    everyone,
    users: createUserAdmin(everyone, log, config, bans.file),
    banDesk: createBanDesk(bans, () => server),
    threads,
    listeners: config.listeners.map((one) => newListener(one, threads)),
    entrances: (wanted) => loadEntrances(engine, server, wanted, tlsKeyLogFile),
    connections,
    cluster,
    persistence,
    addresses,
    rate,
    pages: pagesOf(config),
    pageNote: null,
    status: 'starting',
    bridges,
    launch: { logging, memoryOnly: options.memoryOnly },
    config,
    stop: () => stop(engine, server, http),
  }
  let http: HttpListeners | null = null
  security.apply(config, securityFiles, (name) => runningListener(server, name)?.options)
  control.serve(server)
  const command = (wanted: ThreadCommand) => carryOutFor(control, wanted, server.listeners)
  threads?.hearWith({ observer, command })
  publishLog(server)
  const chores = createChores(server)
  try {
    // The first client is to find all of them.
    rate.pause()
    http = await listen(engine, server, observer)
    rate.resume()
    leaveRoot(options)
    warnOfUnreadable(log, securityFiles, bans.file, config.global.jwtKeyFile)
    log.open(logSettingsOf(config.global, logging))
    bridges.watch(observer)
    await engine.start((go) => bridges.prepare(go))
    await threads?.ready()
    server.status = 'ok'
    bridges.start()
  } catch (error) {
    await http?.close()
    await engine.stop()
    throw error
  }
  // The first client to subscribe finds `$SYS` complete.
  chores()
  return server
}

/** Who is let in: bans before everything, then users and rights. @throws AuthFileError */
function guardOf(
  { config, log }: ServerOptions,
  persistence: Persistence | null,
  server: () => Server,
): Pick<CoreParts, 'security' | 'bans' | 'onFlapped'> {
  const bans = openBans(banFileOf(config, persistence?.location ?? null))
  const onFlapped: ThreadOptions['onFlapped'] = (who) => server().banDesk.flapped(who)
  const gate = gateOf(bans.list, () => server().config.global.flappingBan, onFlapped)
  const security = createServerSecurity(log, gate, () => void server().broker.recheckLogins())
  return { security, bans, onFlapped }
}

function hasNoStore({ config, memoryOnly }: ServerOptions): boolean {
  return memoryOnly || config.global.clusterUrls !== null
}

/** Loads what a cluster needs, and waits for its servers; null: a broker of its own. */
async function join(
  { config, log, onFatal }: ServerOptions,
  counts: () => { connected: number; sessions: number },
): Promise<Cluster | null> {
  if (config.global.clusterUrls === null) return null
  if (threadCountOf(config) > 1) checkThreads(config)
  const { joinCluster } = await import('./cluster.ts')
  return await joinCluster({ config, log, counts, onFatal })
}

/** Where the core keeps what it keeps, and whom it shares it with. */
function portsOf(cluster: Cluster | null, threads: Threads | null, ownStore: () => Store) {
  if (cluster !== null) {
    const { store, peers, node } = cluster
    return { store, peers, mayAnswer: () => node.mayAnswer }
  }
  if (threads === null) return { store: ownStore(), peers: null, mayAnswer: null }
  const { store, peers, budgets } = threads
  return { store, peers, budgets, mayAnswer: null }
}

interface CoreParts {
  readonly limits: Limits
  readonly security: ServerSecurity
  readonly observer: Observer
  readonly control: Control
  readonly bans: Bans
  readonly onFlapped: ThreadOptions['onFlapped']
}

/** The first thread's core, and what there is of other threads. */
function coreOf(
  { config, log, tlsKeyLogFile, onFatal }: ServerOptions,
  cluster: Cluster | null,
  persistence: Persistence | null,
  { limits, security, observer, control, bans, onFlapped }: CoreParts,
  onTick: () => void,
): { engine: Engine; threads: Threads | null } {
  const ownStore = (): Store => createStore(persistence, log)
  const threads = createThreads({
    config,
    ownStore,
    limits,
    log,
    tlsKeyLogFile,
    bans,
    onFlapped,
    onFatal,
  })
  const engine = createEngine({
    limits,
    auth: security.auth,
    control,
    observer,
    ...portsOf(cluster, threads, ownStore),
    log,
    onTick,
    onTurnEnd: () => {},
    onFatal,
  })
  return { engine, threads }
}

/** Ports below 1024 are bound by now; files are opened by the account that will write them. */
function leaveRoot({ config, configFile, log }: ServerOptions): void {
  if (configFile !== null)
    dropPrivileges(config.global.user, (text) => log.write(LogType.information, text))
  else if (process.getuid?.() === 0)
    log.write(LogType.warning, 'Warning: running as root, for lack of a configuration file.')
}

/** `log_dest topic`. */
function publishLog({ log, broker, threads }: Server): void {
  log.publishWith((topic, line) => {
    threads?.tell({ kind: 'logLine', topic, line })
    broker.publish(topic, publishedLines.encode(line), {
      qos: 2,
      properties: { messageExpirySeconds: LINE_EXPIRY_SECONDS },
    })
  })
}

function newListener(config: ListenerConfig, threads: Threads | null): RunningListener {
  return {
    name: listenerName(config),
    options: listenerOptionsOf(config),
    budget: threads?.budgets.ofListener(config) ?? { max: config.maxConnections, open: 0 },
    entrance: { proxy: null, tls: null, web: null, auto: false },
  }
}

/** What runs for the listener of this name. */
export function runningListener({ listeners }: Server, name: string): RunningListener | undefined {
  return listeners.find((listener) => listener.name === name)
}

/** Opens the listeners for MQTT, then those for HTTP, whose code is loaded when there are some. */
async function listen(
  engine: Engine,
  server: Server,
  observer: Observer,
): Promise<HttpListeners | null> {
  const { listeners, localOnly } = server.config
  const hasPages = listeners.some(({ protocol }) => protocol === 'http_api')
  const loading = hasPages ? import('./http.ts') : null
  const entrances = server.entrances(server.config)
  const shared: SharedListener[] = []
  for (const config of listeners) {
    if (config.protocol === 'http_api') continue
    const descriptors = await listenOne(engine, server, config, entrances, {
      where: whereOf(config),
      optional: localOnly && config.host === '::1',
    })
    const port = runningListener(server, listenerName(config))?.options.port ?? 0
    shared.push({ name: listenerName(config), port, descriptors })
  }
  await server.threads?.start(shared)
  if (loading === null) return null
  const { createHttpListeners } = await loading
  const http = await createHttpListeners(server, observer)
  for (const config of listeners) {
    if (config.protocol !== 'http_api') continue
    if (localOnly) await listenForPage(engine, server, config, entrances)
    else
      await listenOne(engine, server, config, entrances, {
        where: whereOf(config),
        optional: false,
      })
  }
  return http
}

async function listenOne(
  engine: Engine,
  server: Server,
  config: ListenerConfig,
  entrances: ReadonlyMap<string, EntranceSettings>,
  place: ListenOptions,
): Promise<readonly number[]> {
  const running = runningListener(server, listenerName(config))
  if (running === undefined) return []
  Object.assign(running.entrance, entrances.get(running.name))
  return (await engine.listen(place, running)).descriptors
}

/** So many brokers without a configuration have a page each on one machine. */
const PAGE_PORTS = 10

/** The page of a broker without a configuration: nobody asked for its port, so the next free one does as well. */
async function listenForPage(
  engine: Engine,
  server: Server,
  config: ListenerConfig,
  entrances: ReadonlyMap<string, EntranceSettings>,
): Promise<void> {
  const { log } = server
  for (let port = config.port; port < config.port + PAGE_PORTS; port++) {
    try {
      const where = { ...whereOf(config), port }
      await listenOne(engine, server, config, entrances, { where, optional: false })
      const taken = port === config.port ? '' : `: port ${config.port} is in use`
      server.pageNote = `The page is at http://${config.host}:${port}${taken}.`
      return
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
    }
  }
  log.write(
    LogType.warning,
    `Warning: there is no page: port ${config.port} and the next are in use.`,
  )
}

/** Wills of all threads first, while everybody is there to read them. */
async function stopThreads({ broker, deafen }: Engine, threads: Threads): Promise<void> {
  deafen()
  broker.sayWills()
  await threads.sayWills()
  await threads.stop()
}

async function stop(engine: Engine, server: Server, http: HttpListeners | null): Promise<void> {
  const { log, config } = server
  const { threads } = server
  log.write(LogType.information, `mozzie version ${version} terminating`)
  server.status = 'stopping'
  server.bridges.close()
  await http?.close()
  if (threads !== null) await stopThreads(engine, threads)
  await engine.stop()
  if (config.global.pidFile !== null) removePidFile(config.global.pidFile)
  log.close()
}

/** What is done now and then; the result is called every {@link TICK_MS}. */
function createChores(server: Server): () => void {
  const { broker, log } = server
  const publishSys = (topic: string, text: string): void => {
    server.threads?.tell({ kind: 'sys', topic, text })
    broker.publishSys(topic, text)
  }
  const sys = createSysTopics(
    {
      version,
      ...figuresOf(server),
      heapBytes: usedBytes,
      publish: publishSys,
      persistenceSync: server.persistence?.sync ?? null,
    },
    nodeClock.monotonicMs(),
  )
  const tellBridges = createBridgeTopics(publishSys)
  const watchMemory = createMemoryWatch(broker, log, {
    limit: () => server.config.global.memoryBytesMax,
    others: server.threads?.budgets.memory ?? null,
    isFirst: true,
  })
  // The first clients could fill all of it within the first second.
  watchMemory()
  let ticks = 0
  let nextSysMs = 0
  let nextSweepMs = nodeClock.wallMs()
  return () => {
    if (server.threads !== null) {
      server.threads.tick()
      // The others hold something meanwhile.
      watchMemory()
    }
    const now = nodeClock.wallMs()
    const { sysIntervalMs, retainExpiryIntervalMs } = server.config.global
    if (sysIntervalMs > 0 && (now >= nextSysMs || nextSysMs - now > sysIntervalMs)) {
      nextSysMs = (Math.floor(now / sysIntervalMs) + 1) * sysIntervalMs
      sys.update(nodeClock.monotonicMs())
      tellBridges(server.bridges.list())
    }
    if (retainExpiryIntervalMs !== null && now >= nextSweepMs) {
      nextSweepMs = now + retainExpiryIntervalMs
      broker.sweepRetained()
    }
    if (++ticks % TICKS_PER_SECOND !== 0) return
    log.tick()
    watchMemory()
  }
}
