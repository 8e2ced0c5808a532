/** The HTTP listeners: the admin API, its pages, and MQTT over WebSocket beside them. Loaded when one is configured. */
import { existsSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createAdmin, type Admin } from '../admin/admin.ts'
import { createHttpServer } from '../admin/http-server.ts'
import type { AclReply, ClientEvent } from '../admin/schemas-clients.ts'
import type { AclQuestion, AdminSource } from '../admin/source.ts'
import type { OtherTraces } from '../admin/traces.ts'
import { placedViews, viewsOf, type Views } from '../admin/views.ts'
import { LogType } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { BridgeControl } from '../ports/bridge-status.ts'
import type { ListenerOptions, Observer } from '../ports/ports.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import type { Peer } from '../transports/link.ts'
import { createUpgrade, type WebEntrance } from '../transports/websocket.ts'
import { authorityOf } from './authority.ts'
import type { BanDesk } from './ban-desk.ts'
import { banSourceOf } from './ban-source.ts'
import { blockList, type PagesEntrance, type RunningListener } from './listeners.ts'
import { configRows, type Launch } from './config-view.ts'
import { loginKeeperOf } from './login-file.ts'
import type { ServerLog } from './log-destinations.ts'
import type { ServerSecurity } from './security.ts'
import type { UserAdmin } from './user-admin.ts'
import { userSourceOf } from './user-source.ts'
import type { Cluster } from './cluster.ts'
import { clusterViews } from './cluster-asks.ts'
import { bridgeDeskOf } from './bridge-desk.ts'
import { clusterSource } from './cluster-source.ts'
import { figuresOf } from './thread-figures.ts'
import type { Drain } from './drain.ts'
import { askingAll, joinViews } from './joint-views.ts'
import type { Server } from './running-server.ts'
import type { Everyone } from './everyone.ts'
import type { Threads } from './threads.ts'
import { version } from './version.ts'

/** What the HTTP listeners need of the process they are in. */
interface Host {
  readonly broker: Broker
  readonly threads: Threads | null
  readonly everyone: Everyone
  readonly log: ServerLog
  readonly security: ServerSecurity
  readonly users: UserAdmin
  readonly banDesk: BanDesk
  readonly listeners: readonly RunningListener[]
  readonly pages: ReadonlyMap<string, PagesEntrance>
  readonly bridges: BridgeControl
  /** null: a broker of its own. */
  readonly cluster: Cluster | null
  readonly drain: Drain | null
  /** null: state is in memory. */
  readonly persistence: { readonly location: string } | null
  readonly launch: Launch
  /** The configuration that is in force. */
  readonly config: Config
  readonly status: Server['status']
}

export interface HttpListeners {
  close(): Promise<void>
}

/** The pages that come with the broker, where they have been built. */
const ownPages = fileURLToPath(new URL('../web', import.meta.url))

/**
 * Makes the HTTP servers of the configuration and puts them behind the entrances of their listeners.
 */
export async function createHttpListeners(
  server: Host,
  observer: Observer,
): Promise<HttpListeners> {
  const admin = createAdmin(sourceOf(server, observer))
  if (server.cluster !== null)
    Object.assign(server.cluster.node.lookers, {
      events: async (clientId: string) => admin.events.of(clientId),
      explain: async (question: AclQuestion, port: number | null) =>
        explain(server, question, port),
    })
  server.threads?.hearWith({
    traced(seen) {
      for (const { id, packet } of seen) admin.traces.take(id, packet)
    },
  })
  const closers: (() => Promise<void>)[] = []
  for (const config of server.config.listeners) {
    if (config.protocol !== 'http_api') continue
    const running = server.listeners.find(({ name }) => name === listenerName(config))
    const pages = server.pages.get(listenerName(config))
    if (running === undefined || pages === undefined) continue
    const entrance = await entranceOf(admin, server, config, running)
    pages.behind = entrance
    closers.push(() => entrance.close())
  }
  return {
    async close() {
      admin.stop()
      await Promise.all(closers.map((close) => close()))
    },
  }
}

async function entranceOf(
  admin: Admin,
  server: Host,
  config: ListenerConfig,
  running: RunningListener,
): Promise<WebEntrance & { close(): Promise<void> }> {
  const { broker } = server
  const upgrade = createUpgrade(
    // The HTTP server has looked at path and origin.
    { origins: [], path: null },
    { core: broker, listener: running.options },
  )
  const { host, httpHosts, httpDirectory, websocketsOrigins: origins } = config
  const isMissing = httpDirectory !== null && !existsSync(httpDirectory)
  if (isMissing) warnOfMissing(server, config)
  return createHttpServer<Peer>(admin, {
    listener: running.options,
    secure: config.certificateFile !== null || config.pskHint !== null,
    directory: isMissing || httpDirectory === null ? ownDirectory() : httpDirectory,
    hosts: host === null ? httpHosts : [host, ...httpHosts],
    origins,
    trustsProxy: trustOf(config),
    onUpgrade: (request, socket, head, peer, user) =>
      upgrade(request, socket, head, user === null ? peer : proven(peer, user), () => {}),
  })
}

/** null: nobody is trusted, and people log in here. */
function trustOf({ httpProxyLogins }: ListenerConfig): ((address: string) => boolean) | null {
  if (httpProxyLogins.length === 0) return null
  const trusted = blockList('http_proxy_login', httpProxyLogins)
  return (address) => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** A user whom a proxy vouches for is as good as one whom a certificate names. */
function proven(peer: Peer, identity: string): Peer {
  const tls = { identity, subject: null, pskIdentity: null }
  return { remote: peer.remote, tls, raw: peer.raw, leave: () => peer.leave() }
}

function ownDirectory(): string | null {
  return existsSync(ownPages) ? ownPages : null
}

/** The configuration that comes with mosquitto names the directory of a page that is not installed everywhere. */
function warnOfMissing({ log }: Host, { httpDirectory, places, location }: ListenerConfig): void {
  const { file, line } = places.get('httpDirectory') ?? location ?? { file: '', line: 0 }
  const text = `"http_dir ${httpDirectory}": there is no such directory; the pages of the broker are served`
  log.write(LogType.warning, `Warning: ${text}. (${file}:${line})`)
}

function sourceOf(server: Host, observer: Observer): AdminSource {
  const { broker, log, security } = server
  const runningAt = (options: ListenerOptions): ListenerConfig | undefined =>
    pairs(server).find(([running]) => running.options === options)?.[1]
  return {
    version,
    startedAtMs: Date.now(),
    localOnly: server.config.localOnly,
    broker,
    views: sessionViews(server),
    eventsElsewhere: eventsElsewhere(server),
    figures: figuresOf(server),
    otherTraces: otherTraces(server.threads),
    auth: security.auth,
    observer,
    bridges: server.bridges,
    bridgeDesk: bridgeDeskOf(server),
    users: userSourceOf(server),
    loginKeeper: loginKeeperOf(
      server.persistence === null ? null : `${server.persistence.location}.logins`,
      security,
      log,
    ),
    bans: banSourceOf(server.banDesk),
    cluster: clusterSource(server),
    status: () => server.status,
    config: () => ({
      files: [...server.config.loadedFiles],
      rows: configRows(server.config, server.launch, process.env),
    }),
    listeners: () => pairs(server).map(([running, config]) => factsOf(running, config)),
    authorityAt: (port) => authorityAt(server, port),
    adminUsers: (listener) => runningAt(listener)?.httpAdminUsers ?? [],
    checksPasswords: security.checksPasswords,
    keepsQos0: () => server.config.global.queueQos0Messages,
    explain: (question, port) => explain(server, question, port),
    explainAt: (node, ...asked) => explainAt(server, node, asked),
    logFault: (error) =>
      log.write(LogType.error, `Error: in the admin API: ${error.stack ?? error.message}`),
    watchLog: (mask, watch) => log.watch(mask, watch),
    recentLog: () => log.recent(),
  }
}

function authorityAt(server: Host, port: number): string | null {
  const found = pairs(server).find(([{ options }]) => options.port === port)
  return found === undefined ? null : authorityOf(found[1])
}

function sessionViews({ broker, threads, cluster }: Host): Views {
  if (cluster !== null) return clusterViews(broker, cluster.node)
  if (threads === null) return viewsOf(broker, broker.inspector())
  const own = broker.inspector({ away: true, backlogOf: (clientId) => threads.backlogOf(clientId) })
  const views = placedViews(viewsOf(broker, own), () => ({ thread: 0 }))
  return joinViews(views, askingAll(threads.ask))
}

/** Every node keeps what happened at its own listeners. */
function eventsElsewhere({ cluster }: Host): AdminSource['eventsElsewhere'] {
  if (cluster === null) return async () => []
  const { node } = cluster
  return async (clientId) => {
    if (!node.isJoined) return []
    const { answers } = await node.questions.askAll('events', [clientId])
    return answers.flatMap(({ value }) => value as ClientEvent[])
  }
}

function otherTraces(threads: Threads | null): OtherTraces | null {
  if (threads === null) return null
  return {
    start: (id, wanted) => void threads.ask('traceStart', id, wanted).catch(() => {}),
    end: (id) => void threads.ask('traceEnd', id).catch(() => {}),
  }
}

async function explainAt(
  { cluster }: Host,
  name: string,
  asked: readonly unknown[],
): Promise<AclReply> {
  const silent = answerOf(false, `node ${name} did not answer`)
  if (cluster?.node.isJoined !== true) return silent
  const answer = await cluster.node.questions.askOne(name, 'explain', asked).catch(() => null)
  return answer === null ? silent : (answer.value as AclReply)
}

function explain(
  server: Host,
  { clientId, username, access, topic }: AclQuestion,
  port: number | null,
): AclReply {
  const chosen = pairs(server).find(([{ options }, { protocol }]) =>
    port === null ? protocol !== 'http_api' : options.port === port,
  )
  if (chosen === undefined) return answerOf(false, `there is no listener at port ${port}`)
  const who = { clientId, username }
  const { allowed, because } = server.security.explain(chosen[0].options, who, access, topic)
  return answerOf(allowed, because)
}

/** @param because Ends in the rule's place and text, `acl.conf:12 "topic read a"`, where a rule decided. */
function answerOf(allowed: boolean, because: string): AclReply {
  const [, file = null, line = null, rule = null] = /^(.+):(\d+) "(.*)"$/.exec(because) ?? []
  return {
    allowed,
    rule,
    file,
    line: line === null ? null : Number(line),
    explanation: because,
  }
}

/** What runs, and what the configuration in force says of it. */
function pairs(server: Host): [RunningListener, ListenerConfig][] {
  return server.config.listeners.flatMap((config) => {
    const running = server.listeners.find(({ name }) => name === listenerName(config))
    return running === undefined ? [] : [[running, config]]
  })
}

function factsOf({ options, budget }: RunningListener, config: ListenerConfig) {
  const { protocol } = config
  return {
    host: config.host,
    port: options.port,
    path: config.socketPath,
    protocol: protocol === 'auto' ? ('mqtt' as const) : protocol,
    tls: config.certificateFile !== null || config.pskHint !== null,
    clientCertificates: config.requireCertificate,
    allowAnonymous: options.allowAnonymous,
    connections: budget.open + (budget.elsewhere?.() ?? 0),
    connectionsMax: budget.max,
    maxQos: options.maxQos,
    versions: [...options.acceptVersions],
  }
}
