/** The broker process: where the configuration, the core and the world meet. */
import { LogType } from '../base/log.ts'
import type { Cluster } from './cluster.ts'
import type { Broker } from '../broker/broker.ts'
import type { Limits } from '../ports/limits.ts'
import type { Control, Observer } from '../ports/ports.ts'
import type { Store } from '../ports/store.ts'
import type { Config } from '../config/config.ts'
import type { Bans } from '../auth/bans/bans.ts'
import { banFileOf, createBanDesk, gateOf, openBans } from './ban-desk.ts'
import { bridgeSide } from './bridge-side.ts'
import { bridgesOf, createBridges, type Bridges } from './bridges.ts'
import { createChores } from './chores.ts'
import { createControl } from './control.ts'
import { boundConnections, createEngine, type Engine } from './engine.ts'
import { everyoneOf } from './everyone.ts'
import type { HttpListeners } from './http.ts'
import { limitsOfConfig } from './limits-of-config.ts'
import { loadEntrances, pagesOf } from './listeners.ts'
import { logSettingsOf, type ServerLog } from './log-destinations.ts'
import { listen, newListener, runningListener } from './open-listeners.ts'
import { createStore, logPersistence, persistenceOf, type Persistence } from './persistence.ts'
import { removePidFile } from './pid-file.ts'
import { applyUmask, dropPrivileges } from './privileges.ts'
import {
  createServerSecurity,
  dynamicFileOf,
  prepareSecurityFiles,
  warnOfUnreadable,
  type ServerSecurity,
} from './security.ts'
import { carryOutFor } from './remote-control.ts'
import type { SharedUsers } from './shared-users.ts'
import { logStart } from './start-lines.ts'
import type { ThreadCommand } from './thread-messages.ts'
import { checkThreads, threadCountOf } from './thread-count.ts'
import { createThreads, type ThreadOptions, type Threads } from './threads.ts'
import { createUserAdmin } from './user-admin.ts'
import { version } from './version.ts'
import type { Server } from './running-server.ts'

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

const publishedLines = new TextEncoder()
const LINE_EXPIRY_SECONDS = 20

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
  const cluster = await join(options, () => server)
  const guard = guardOf(options, persistence, () => server)
  const { security, bans } = guard
  logPersistence(log, persistence)
  const limits = limitsOfConfig(config.global)
  const observer: Observer = {}
  const control = createControl()
  const parts = { ...guard, limits, observer, control }
  const { engine, threads } = coreOf(options, cluster, persistence, parts, () => chores())
  const { broker, connections, addresses, rate } = engine
  const everyone = everyoneOf(broker, threads, sharedUsersOf(options, cluster, security, broker))
  const bridges = bridgesFor(options, broker, cluster, threads)
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
    drain: null,
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
    begin(engine, server)
  } catch (error) {
    await http?.close()
    await engine.stop()
    throw error
  }
  // The first client to subscribe finds `$SYS` complete.
  chores()
  return server
}

/** Everything is there: clients are served. */
function begin(engine: Engine, server: Server): void {
  server.status = 'ok'
  server.drain = server.cluster?.begin(server, (which) => engine.deafen(which)) ?? null
  server.bridges.start()
}

/** @throws ConfigError */
function bridgesFor(
  { config, log }: ServerOptions,
  broker: Broker,
  cluster: Cluster | null,
  threads: Threads | null,
): Bridges {
  const make = cluster?.bridges ?? createBridges
  return make(bridgeSide(broker, threads), log, bridgesOf(config))
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
  server: () => Server,
): Promise<Cluster | null> {
  if (config.global.clusterUrls === null) return null
  if (threadCountOf(config) > 1) checkThreads(config)
  const { joinCluster } = await import('./cluster.ts')
  return await joinCluster({ config, log, server, onFatal })
}

/** null: there are none, or no cluster. */
function sharedUsersOf(
  { config, log }: ServerOptions,
  cluster: Cluster | null,
  security: ServerSecurity,
  broker: Broker,
): SharedUsers | null {
  const file = dynamicFileOf(config)
  if (cluster === null || file === null) return null
  return cluster.shareUsers(() => security.dynamicIn(file), broker, log)
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
  if (threads !== null) threads.budgets.balance.onChange = (takes) => engine.accept(takes)
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
