/** Runs scenarios against targets in turn, and tells what each run gave. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { syncTimesUs, untilConnack } from './durability.ts'
import { residentKibOf } from './load/process-stats.ts'
import { complete, type RunningTarget } from './processes.ts'
import { medianFigures, median, type Figures, type LoadCheck, type Result } from './report.ts'
import { isRateFlow, mayRun, type Scenario, type TargetName } from './scenario.ts'
import { canRun, startTarget, type Tools } from './targets.ts'

export interface Plan {
  readonly seconds: number
  readonly repeat: number
  readonly quick: boolean
  readonly targets: readonly TargetName[]
}

const LOAD_LIMIT_MS = 300_000
const START_RUNS = 5
/** Figures of threads are half a second old at most. */
const SYS_MS_MAX = 2000
/** The options mqload knows, by the names the load client gives them. */
const MQLOAD_FLAGS: Readonly<Record<string, string>> = {
  shape: '-m',
  publishers: '-P',
  subscribers: '-S',
  qos: '-q',
  payload: '-s',
  window: '-w',
  pace: '-r',
}

type Options = Readonly<Record<string, string | number>>

function optionsFor(scenario: Scenario, target: TargetName, plan: Plan): Options {
  const quick = plan.quick && scenario.quickCount !== undefined
  return {
    ...scenario.options,
    ...scenario.targetOptions?.[target],
    ...(quick ? { count: scenario.quickCount } : {}),
  }
}

/** Runs one scenario `repeat` times, the targets in turn, a fresh process each time. */
export async function measureScenario(
  tools: Tools,
  scenario: Scenario,
  plan: Plan,
  say: (line: string) => void,
): Promise<Result[]> {
  const own = scenario.targets.filter(
    (target) => plan.targets.includes(target) && canRun(tools, target),
  )
  const peers = tools.peers.filter((peer) => mayRun(peer, scenario))
  const targets = [...own, ...peers.map(({ name }) => name)]
  const runs = new Map<TargetName, Figures[]>()
  for (let round = 0; round < plan.repeat; round++) {
    for (const target of targets) {
      const options = optionsFor(scenario, target, plan)
      const figures = await onFresh(tools, target, scenario, say, (running) =>
        scenario.mode === 'start'
          ? startFigures(target, running)
          : ownLoad(tools, scenario, options, running, plan),
      )
      if (figures === undefined) continue
      runs.set(target, [...(runs.get(target) ?? []), figures])
      const [metric] = scenario.metrics
      say(`${scenario.name} ${target}: ${figures[metric.field]} ${metric.label}`)
    }
  }
  if (runs.size < targets.length) process.exitCode = 1
  return [...runs].map(([target, figures]) => ({
    scenario: scenario.name,
    target,
    runs: figures,
    median: medianFigures(figures),
  }))
}

/** The same flow by the C load generator and by ours in turn: is ours the bottleneck? */
export async function checkLoadClient(
  tools: Tools,
  scenario: Scenario,
  target: TargetName,
  plan: Plan,
  say: (line: string) => void,
): Promise<LoadCheck | undefined> {
  if (!isRateFlow(scenario) || tools.mqload === undefined || !canRun(tools, target)) {
    return undefined
  }
  const options = optionsFor(scenario, target, plan)
  const rates = { c: [] as number[], own: [] as number[] }
  for (let round = 0; round < plan.repeat; round++) {
    const c = await onFresh(tools, target, scenario, say, (running) =>
      cLoad(tools, options, running, plan),
    )
    if (c !== undefined) rates.c.push(c['rate'])
    const own = await onFresh(tools, target, scenario, say, (running) =>
      ownLoad(tools, scenario, options, running, plan),
    )
    if (own !== undefined) rates.own.push(own['rate'])
  }
  if (rates.c.length === 0 || rates.own.length === 0) return undefined
  const check = { mqloadRate: median(rates.c), ownRate: median(rates.own) }
  say(`${scenario.name} ${target}: load client ${check.ownRate}, mqload ${check.mqloadRate}`)
  return { scenario: scenario.title, target, ...check }
}

async function onFresh(
  tools: Tools,
  target: TargetName,
  scenario: Scenario,
  say: (line: string) => void,
  load: (running: RunningTarget) => Promise<Figures>,
): Promise<Figures | undefined> {
  const data = scenario.durable === true ? mkdtempSync(join(tools.scratch, 'data-')) : null
  try {
    let running = await startTarget(tools, target, data, scenario)
    try {
      const loaded = await load(running)
      const share = scenario.crossing === true ? await crossedShare(tools, running.port) : null
      const figures = share === null ? loaded : { ...loaded, crossed_share: share }
      if (data === null) return figures
      const { p50, p99 } = syncTimesUs(data)
      if (scenario.restart !== true) return { ...figures, fdatasync_us: p50, fdatasync_p99_us: p99 }
      await running.kill()
      const startedMs = performance.now()
      running = await startTarget(tools, target, data, scenario)
      await untilConnack(running.port)
      return { ...figures, restart_s: (performance.now() - startedMs) / 1000 }
    } finally {
      await running.stop()
    }
  } catch (error) {
    say(`${target}: FAILED: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  } finally {
    if (data !== null) rmSync(data, { recursive: true, force: true })
  }
}

function ownLoad(
  tools: Tools,
  scenario: Scenario,
  options: Options,
  running: RunningTarget,
  plan: Plan,
) {
  const main = fileURLToPath(new URL('./load/main.js', import.meta.url))
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return jsonLine([
    ...tools.pin,
    process.execPath,
    main,
    scenario.mode,
    ...args,
    ...(scenario.tls === true ? ['--tls'] : []),
    '--seconds',
    String(plan.seconds),
    '--port',
    String(running.port),
    '--pid',
    String(running.pid),
  ])
}

function cLoad(tools: Tools, options: Options, running: RunningTarget, plan: Plan) {
  const args = Object.entries(options).flatMap(([name, value]) => {
    const flag = MQLOAD_FLAGS[name]
    return flag === undefined ? [] : [flag, String(value)]
  })
  const common = ['-n', plan.seconds, '-p', running.port, '-i', running.pid].map(String)
  return jsonLine([...tools.pin, tools.mqload ?? '', 'flow', ...args, ...common])
}

/** Behind a load, when `$SYS` (`sys_interval 1`) has all of it. */
async function crossedShare(tools: Tools, port: number): Promise<number> {
  await sleep(SYS_MS_MAX)
  const topic = '$SYS/broker/publish/messages/'
  const sub = ['sub', '-p', String(port), '-t', `${topic}+`, '-F', '%t %p', '-W', '2']
  const { stdout } = await complete(tools.mozzie ?? '', sub, LOAD_LIMIT_MS)
  const countOf = (name: string): number =>
    Number(new RegExp(`/${name} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0)
  return countOf('crossed') / Math.max(1, countOf('received'))
}

/** How long the start took, what it takes in memory, and how long it takes to publish one message by the target's own tool. */
async function startFigures(target: TargetName, running: RunningTarget): Promise<Figures> {
  const node = await msOf([process.execPath, '-e', '0'])
  const message = ['-h', '127.0.0.1', '-p', String(running.port), '-t', 'bench/start', '-m', 'x']
  const pub = target === 'mosquitto' ? ['mosquitto_pub'] : [resolve('bin/mozzie'), 'pub']
  return {
    accept_ms: running.acceptMs,
    rss_mb: residentKibOf(running.pid) / 1024,
    pub_ms: await msOf([...pub, ...message]),
    node_ms: node,
  }
}

/** The least of some runs. */
async function msOf([program = '', ...args]: readonly string[]): Promise<number> {
  let least = Infinity
  for (let run = 0; run < START_RUNS; run++) {
    const startedMs = performance.now()
    const { code, stderr } = await complete(program, args, LOAD_LIMIT_MS)
    if (code !== 0) throw new Error(`${program}: ${stderr.trim()}`)
    least = Math.min(least, performance.now() - startedMs)
  }
  return least
}

async function jsonLine(command: readonly string[]): Promise<Figures> {
  const [program = '', ...args] = command
  const done = await complete(program, args, LOAD_LIMIT_MS)
  if (done.code !== 0) throw new Error(done.stderr.trim())
  const parsed = JSON.parse(done.stdout) as Record<string, unknown>
  const numbers = Object.entries(parsed).filter(([, value]) => typeof value === 'number')
  return Object.fromEntries(numbers) as Figures
}
