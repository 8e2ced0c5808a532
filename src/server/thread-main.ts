/**
 * A thread beside the first one: a core, its clients and their rights, and nothing else. Store, log, `$SYS`, signals
 * and bridges are the first thread's (`threads.ts`).
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { traceForOthers } from '../admin/traces.ts'
import { placedViews, viewsOf } from '../admin/views.ts'
import { LogType, type Log } from '../base/log.ts'
import { BanList } from '../auth/bans/ban-list.ts'
import { AuthFileError } from '../auth/auth-file.ts'
import { shareSaltKey } from '../auth/scram.ts'
import { ConfigError, formatConfigError } from '../config/config-error.ts'
import type { Broker } from '../broker/broker.ts'
import type { Config } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import type { Limits } from '../ports/limits.ts'
import { RemotePeers } from '../threads/peers-wire.ts'
import { RemoteStore } from '../threads/remote-store.ts'
import { boundConnections, createEngine, type Engine } from './engine.ts'
import { limitsOfConfig, listenerOptionsOf } from './limits-of-config.ts'
import { loadEntrances, type RunningListener } from './listeners.ts'
import { gateOf } from './ban-desk.ts'
import { createServerSecurity, loadSecurityFiles, type ServerSecurity } from './security.ts'
import { createMemoryWatch } from './memory-watch.ts'
import { createRemoteControl, type RemoteControl } from './remote-control.ts'
import { answersOf, type Answers } from './thread-asks.ts'
import { budgetsOf, type ThreadBudgets } from './thread-budgets.ts'
import type { FromThread, SharedListener, ThreadData, ToThread } from './thread-messages.ts'
import { forwardObserver } from './thread-observer.ts'
import { openWays, type ThreadWays } from './thread-ways.ts'

const encoder = new TextEncoder()
const LINE_EXPIRY_SECONDS = 20
/** Ticks between two reports. */
const REPORT_TICKS = 5

interface Thread {
  readonly data: ThreadData
  readonly engine: Engine
  readonly peers: RemotePeers
  readonly limits: Limits
  readonly security: ServerSecurity
  readonly bans: BanList
  readonly listeners: readonly RunningListener[]
  readonly log: ThreadLog
  readonly budgets: ThreadBudgets
  /** `memory_limit` of the process. */
  readonly limit: { bytes: number }
  readonly control: RemoteControl
  readonly answers: Answers
  config: Config
}

interface ThreadLog extends Log {
  mask: number
}

function tell(message: FromThread): void {
  ;(parentPort as MessagePort).postMessage(message)
}

function createLog(mask: number): ThreadLog {
  return {
    mask,
    write(type, text, fields) {
      if (this.mask & type) tell({ kind: 'log', type, text, fields })
    },
  }
}

function createThread(data: ThreadData, port: MessagePort): Thread {
  const { config, index, shared, survives } = data
  const { global } = config
  const log = createLog(data.logMask)
  const ticks = new Int32Array(shared.ticks)
  const budgets = budgetsOf(shared, config, index, (of, entries) =>
    tell({ kind: 'tallies', of, thread: index, entries }),
  )
  shareSaltKey(shared.saltKey)
  const limits = limitsOfConfig(global)
  const bans = banListOf(data)
  const gate = gateOf(
    bans,
    () => thread.config.global.flappingBan,
    ({ clientId, remote }) => tell({ kind: 'flapped', clientId, remote }),
  )
  const security = createServerSecurity(log, gate, () => void engine.broker.recheckLogins())
  const ways = openWays(data, port, {
    event: (op, reader) => void (peers.told(op, reader) || store.told(op, reader)),
    message: (message) => answer(thread, message),
    isWhole: () => !store.isDirty,
  })
  const { out, directly } = ways
  const peers = new RemotePeers(out, ways.flow, directly)
  peers.cleanSessions = budgets.cleanSessions
  peers.userSessions = budgets.userSessions
  const store = new RemoteStore(out, survives, () => directly?.behind())
  const control = createRemoteControl(tell, () => listeners)
  let count = 0
  const engine = createEngine({
    limits,
    auth: security.auth,
    control: control.port,
    observer: forwardObserver(tell, () => thread.config),
    store,
    peers,
    mayAnswer: null,
    log,
    budgets,
    onTick() {
      Atomics.add(ticks, index, 1)
      budgets.balance.tick()
      watchMemory()
      if (++count % REPORT_TICKS === 0) report(engine.broker, ways)
    },
    onTurnEnd: () => {},
    onFatal: (error) => tell({ kind: 'fatal', text: error.message }),
  })
  budgets.balance.onChange = (takes) => engine.accept(takes)
  const limit = { bytes: 0 }
  const watched = { limit: () => limit.bytes, others: budgets.memory, isFirst: false }
  const watchMemory = createMemoryWatch(engine.broker, log, watched)
  const listeners = listenersIn(config, budgets)
  const thread: Thread = {
    data,
    engine,
    peers,
    budgets,
    limits,
    limit,
    security,
    bans,
    listeners,
    log,
    control,
    answers: answersIn(engine.broker, security, index, (wanted) => reload(thread, wanted)),
    config,
  }
  return thread
}

function banListOf({ bans }: ThreadData): BanList {
  const list = new BanList()
  for (const ban of bans) list.put(ban)
  return list
}

function listenersIn({ listeners }: Config, budgets: ThreadBudgets): RunningListener[] {
  return listeners.map((listener) => ({
    name: listenerName(listener),
    options: listenerOptionsOf(listener),
    budget: budgets.ofListener(listener),
    entrance: { proxy: null, tls: null, web: null, auto: false },
  }))
}

function report(broker: Broker, { flow, directly }: ThreadWays): void {
  broker.stats.drops.slowThread = flow.dropped + (directly?.dropped ?? 0)
  tell({ kind: 'counts', stats: broker.stats, counts: broker.ownCounts() })
}

function answersIn(
  broker: Broker,
  security: ServerSecurity,
  thread: number,
  takeOver: (config: Config) => void,
): Answers {
  const inspector = broker.inspector({ away: false, backlogOf: () => null })
  return answersOf({
    broker,
    views: placedViews(viewsOf(broker, inspector), () => ({ thread })),
    traces: traceForOthers(broker, inspector, (seen) => tell({ kind: 'traced', seen })),
    applyDynamic: (file, text) => security.replaceDynamic(file, text),
    reload: takeOver,
  })
}

/** Answers what the first thread asks. */
async function answerAsked(
  { answers }: Thread,
  { number, name, args }: Extract<ToThread, { kind: 'ask' }>,
): Promise<void> {
  const ask = answers[name] as (...args: readonly unknown[]) => Promise<unknown>
  try {
    tell({ kind: 'answer', number, value: await ask(...args), error: null })
  } catch (error) {
    tell({ kind: 'answer', number, value: null, error: (error as Error).message })
  }
}

/** Reads what the configuration names and puts it in force. @throws ConfigError, AuthFileError; then nothing has changed. */
function apply(thread: Thread, config: Config): void {
  const { data, engine, limits, security, listeners } = thread
  const files = loadSecurityFiles(config)
  const running = { ...thread, pages: new Map() }
  const entrances = loadEntrances(engine, running, config, data.tlsKeyLogFile)
  thread.config = config
  Object.assign(limits, limitsOfConfig(config.global))
  boundConnections(engine, config)
  thread.budgets.boundUsers(config)
  thread.limit.bytes = config.global.memoryBytesMax
  for (const listener of config.listeners) {
    const one = listeners.find(({ name }) => name === listenerName(listener))
    if (one === undefined) continue
    const { port } = one.options
    Object.assign(one.options, listenerOptionsOf(listener), { port })
    Object.assign(one.entrance, entrances.get(one.name))
    one.budget.max = listener.maxConnections
  }
  // The first thread says all that there is to say of files.
  const { mask } = thread.log
  thread.log.mask = 0
  security.apply(config, files, (name) => listeners.find((one) => one.name === name)?.options)
  thread.log.mask = mask
}

function reload(thread: Thread, config: Config): void {
  const { log, engine } = thread
  try {
    apply(thread, config)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof AuthFileError)) throw error
    const lines =
      error instanceof ConfigError ? formatConfigError(error) : [`Error: ${error.message}`]
    for (const line of lines) log.write(LogType.error, `Thread ${thread.data.index}: ${line}`)
    return
  }
  const count = engine.broker.recheckLogins()
  if (count > 0)
    log.write(LogType.notice, `Disconnected ${count} clients whose login is no longer valid.`)
}

function answer(thread: Thread, message: ToThread): void {
  const { engine, peers, log } = thread
  const { broker } = engine
  if (message.kind === 'listeners') void accept(thread, message.listeners)
  else if (message.kind === 'bans') {
    thread.bans.clear()
    for (const ban of message.bans) thread.bans.put(ban)
    broker.recheckLogins()
  } else if (message.kind === 'logMask') log.mask = message.mask
  else if (message.kind === 'tallies')
    thread.budgets.tallied(message.of, message.thread, message.entries)
  else if (message.kind === 'ask') void answerAsked(thread, message)
  else if (message.kind === 'commanded') thread.control.done(message.number)
  else if (message.kind === 'sys') broker.publishSys(message.topic, message.text)
  else if (message.kind === 'logLine')
    broker.publish(message.topic, encoder.encode(message.line), {
      qos: 2,
      properties: { messageExpirySeconds: LINE_EXPIRY_SECONDS },
    })
  else if (message.kind === 'sayWills') {
    engine.deafen()
    broker.sayWills()
    broker.whenSafe(() => peers.barrier(() => tell({ kind: 'willsSaid' })))
  } else void engine.stop().then(() => tell({ kind: 'stopped' }))
}

async function accept(
  { engine, listeners }: Thread,
  shared: readonly SharedListener[],
): Promise<void> {
  for (const { name, descriptors, port } of shared) {
    const clients = listeners.find((listener) => listener.name === name)
    if (clients !== undefined) await engine.share(descriptors, port, clients)
  }
  tell({ kind: 'listening' })
  await engine.start()
  tell({ kind: 'ready' })
}

function run(port: MessagePort): void {
  const data = workerData as ThreadData
  const thread = createThread(data, port)
  apply(thread, data.config)
}

if (parentPort !== null) run(parentPort)
