/**
 * The benchmark: brokers in turn under the same load, a table with ratios and goals. Run it from
 * the package's folder; every process it starts listens on 127.0.0.1 and is ended by it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { BEFORE, buildAt, changesTable } from './compare.ts'
import { guard, keepShares } from './guard.ts'
import { checkLoadClient, measureScenario, type Plan } from './measure.ts'
import { complete, killAll } from './processes.ts'
import {
  figuresTable,
  headlineTable,
  loadCheckTable,
  type LoadCheck,
  type Result,
} from './report.ts'
import { measureScale, scalePicture, scaleTable } from './scale.ts'
import { measureThreads, threadTable } from './threads.ts'
import { TARGET_NAMES, type Peer, type Scenario, type TargetName } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { canRun, findTools, type Tools } from './targets.ts'

const RESULTS = 'bench/results'
const PAGES = ['docs/benchmarks.md', 'docs/zh/benchmarks.md']
const READMES = ['README.md', 'README.zh-CN.md']
const PAGE_START = '<!-- figures: written by npm run bench -->'
const PAGE_END = '<!-- end of figures -->'
const SCALE_START = '<!-- scale: written by npm run bench -- --scale -->'
const SCALE_END = '<!-- end of scale -->'
const THREADS_START = '<!-- threads: written by npm run bench -- --threads -->'
const THREADS_END = '<!-- end of threads -->'
const SCALE_PICTURE = 'docs/images/scale.svg'

interface Choice {
  readonly plan: Plan
  readonly scenarios: readonly Scenario[]
  readonly peers: readonly Peer[]
  readonly mode: 'figures' | 'guard' | 'scale' | 'threads'
  /** Everything was asked for, so the results are worth keeping. */
  readonly whole: boolean
}

const MODES = ['guard', 'scale', 'threads'] as const

function listed<Name extends string>(text: string, known: readonly Name[], what: string): Name[] {
  return text.split(',').map((part) => {
    const name = known.find((each) => each === part)
    if (name === undefined) throw new Error(`unknown ${what} ${part}: one of ${known.join(', ')}`)
    return name
  })
}

function peerOf(text: string): Peer {
  const [, name = '', command = ''] = /^([\w.-]+)=(.*)$/s.exec(text) ?? []
  const isKnown = TARGET_NAMES.some((known) => known === name)
  if (name === '' || isKnown || !/\{(?:port|conf)\}/.test(command))
    throw new Error(`--peer ${text}: NAME=COMMAND is wanted, with {port} or {conf} in the command`)
  return { name, command }
}

function choose(args: readonly string[]): Choice {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      flows: { type: 'string' },
      targets: { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string' },
      repeat: { type: 'string' },
      compare: { type: 'string' },
      guard: { type: 'boolean', default: false },
      scale: { type: 'boolean', default: false },
      threads: { type: 'boolean', default: false },
    },
  })
  const names = SCENARIOS.map((scenario) => scenario.name)
  const wanted = values.flows === undefined ? names : listed(values.flows, names, 'flow')
  const { compare } = values
  const all = compare === undefined ? TARGET_NAMES : (['mozzie'] as const)
  const targets =
    values.targets === undefined ? all : listed(values.targets, TARGET_NAMES, 'target')
  const plan = {
    seconds: Number(values.seconds ?? (values.quick ? 1 : 5)),
    repeat: Number(values.repeat ?? (values.quick ? 1 : 3)),
    quick: values.quick,
    targets,
  }
  if (!(plan.seconds > 0 && plan.repeat >= 1)) throw new Error('--seconds and --repeat count up')
  const peers = values.peer.map(peerOf)
  if (compare !== undefined) peers.push(buildAt(compare))
  const isPart = values.quick || values.flows !== undefined || values.targets !== undefined
  const mode = MODES.find((each) => values[each]) ?? 'figures'
  const scenarios = SCENARIOS.filter(({ name }) => wanted.includes(name))
  return { plan, scenarios, peers, mode, whole: !isPart && peers.length === 0 }
}

async function machine(tools: Tools) {
  const head = await complete('git', ['rev-parse', '--short', 'HEAD'], 5000)
  const status = await complete('git', ['status', '--porcelain', '--', 'src', 'bench'], 5000)
  const [cpu] = cpus()
  return {
    date: new Date().toISOString(),
    commit: head.code === 0 ? head.stdout.trim() : 'none',
    uncommittedChanges: status.stdout.trim() !== '',
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    mosquitto: tools.mosquittoVersion,
    aedes: aedesVersion(),
  }
}

function aedesVersion(): string {
  const text = readFileSync('node_modules/aedes/package.json', 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

type Machine = Awaited<ReturnType<typeof machine>>

function pageText(
  where: Machine,
  plan: Plan,
  results: readonly Result[],
  checks: readonly LoadCheck[],
) {
  const changed = where.uncommittedChanges ? ' with uncommitted changes' : ''
  const parts = [
    `${where.date.slice(0, 10)}, commit ${where.commit}${changed}: ${where.cpu}, ${where.cores} cores, ` +
      `${where.memoryGib} GiB, Linux ${where.kernel}, Node ${where.node}, mosquitto ${where.mosquitto}, ` +
      `aedes ${where.aedes}. Medians of ${plan.repeat} runs of ${plan.seconds} s.`,
    figuresTable(results),
  ]
  if (checks.length > 0) parts.push('The load client against the C one:', loadCheckTable(checks))
  return `${parts.join('\n\n')}\n`
}

/** Writes the results file, the latest table, and the table into the page, between its markers. */
function keep(
  where: Machine,
  plan: Plan,
  results: readonly Result[],
  checks: readonly LoadCheck[],
) {
  mkdirSync(RESULTS, { recursive: true })
  const file = join(RESULTS, `${where.date.slice(0, 10)}-${where.commit}.json`)
  writeFileSync(file, `${JSON.stringify({ machine: where, plan, results, checks }, null, 1)}\n`)
  const text = pageText(where, plan, results, checks)
  writeFileSync(join(RESULTS, 'latest.md'), text)
  for (const page of PAGES) fill(page, text)
  for (const readme of READMES) fill(readme, `${headline(where)}\n\n${headlineTable(results)}\n`)
}

function headline(where: Machine): string {
  return `${where.date.slice(0, 10)}, commit ${where.commit}, ${where.cores} cores, Node ${where.node}, mosquitto ${where.mosquitto}:`
}

/** Replaces what stands between a page's markers. */
function fill(file: string, text: string, from = PAGE_START, to = PAGE_END): void {
  if (!existsSync(file)) return
  const page = readFileSync(file, 'utf8')
  const start = page.indexOf(from)
  const end = page.indexOf(to)
  if (start < 0 || end < start) return
  const head = page.slice(0, start + from.length)
  writeFileSync(file, `${head}\n\n${text}\n${page.slice(end)}`)
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** Written into the page, between its markers, and as a picture. */
async function scale(tools: Tools, repeat: number): Promise<void> {
  const { stdout } = await complete('sh', ['-c', 'ulimit -Hn'], 5000)
  const rows = await measureScale(tools, Number(stdout) || Infinity, repeat, say)
  const where = await machine(tools)
  const text = `${headline(where)}\n\n${scaleTable(rows)}\n`
  writeFileSync(SCALE_PICTURE, scalePicture(rows))
  for (const page of PAGES) {
    const path = relative(dirname(page), SCALE_PICTURE)
    fill(page, `${text}\n![](${path})\n`, SCALE_START, SCALE_END)
  }
  process.stdout.write(text)
}

/** Thread counts up to the number of cores, and 2 in any case; written into the page. */
async function threads(tools: Tools, repeat: number): Promise<void> {
  const counts = [1, 2, 4, 8, 16].filter((count) => count <= Math.max(2, cpus().length))
  const rows = await measureThreads(tools, counts, repeat, say)
  const text = `${headline(await machine(tools))}\n\n${threadTable(rows, counts)}\n`
  for (const page of PAGES) fill(page, text, THREADS_START, THREADS_END)
  process.stdout.write(text)
}

async function main(choice: Choice, scratch: string): Promise<void> {
  const { plan, scenarios, mode } = choice
  const tools = await findTools(scratch, choice.peers)
  tools.notes.forEach(say)
  if (mode === 'scale') return scale(tools, plan.repeat)
  if (mode === 'threads') return threads(tools, plan.repeat)
  if (mode === 'guard') {
    const fallen = await guard(tools, say)
    if (fallen.length > 0) process.exitCode = 1
    return say(fallen.length > 0 ? `slower: ${fallen.join(', ')}` : 'no flow fell')
  }
  const where = await machine(tools)
  const checkTarget: TargetName =
    plan.targets.includes('mozzie') && canRun(tools, 'mozzie') ? 'mozzie' : 'floor'
  const results: Result[] = []
  const checks: LoadCheck[] = []
  for (const scenario of scenarios) {
    results.push(...(await measureScenario(tools, scenario, plan, say)))
    if (!plan.targets.includes('floor')) continue
    const check = await checkLoadClient(tools, scenario, checkTarget, plan, say)
    if (check !== undefined) checks.push(check)
  }
  const isCompared = choice.peers.some(({ name }) => name === BEFORE)
  process.stdout.write(
    isCompared ? `${changesTable(results)}\n` : pageText(where, plan, results, checks),
  )
  if (choice.whole) {
    keep(where, plan, results, checks)
    if (tools.mqlimit !== undefined) await keepShares(tools)
  } else say('only part was run: nothing is written to bench/results')
}

let choice: Choice
try {
  choice = choose(process.argv.slice(2))
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
const scratch = mkdtempSync(join(tmpdir(), 'mozzie-bench-'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    rmSync(scratch, { recursive: true, force: true })
    process.exit(130)
  })
}
try {
  await main(choice, scratch)
} finally {
  killAll()
  rmSync(scratch, { recursive: true, force: true })
}
