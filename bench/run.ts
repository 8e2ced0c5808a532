/**
 * The benchmark: brokers in turn under the same load, a table with ratios and goals. Run it from
 * the package's folder; every process it starts listens on 127.0.0.1 and is ended by it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkLoadClient, measureScenario, type Plan } from './measure.ts'
import { complete, killAll } from './processes.ts'
import {
  figuresTable,
  headlineTable,
  loadCheckTable,
  type LoadCheck,
  type Result,
} from './report.ts'
import { SCENARIOS, TARGET_NAMES, type Peer, type Scenario, type TargetName } from './scenarios.ts'
import { canRun, findTools, type Tools } from './targets.ts'

const RESULTS = 'bench/results'
const PAGES = ['docs/benchmarks.md', 'docs/zh/benchmarks.md']
const READMES = ['README.md', 'README.zh-CN.md']
const PAGE_START = '<!-- figures: written by npm run bench -->'
const PAGE_END = '<!-- end of figures -->'

interface Choice {
  readonly plan: Plan
  readonly scenarios: readonly Scenario[]
  readonly peers: readonly Peer[]
  /** Everything was asked for, so the results are worth keeping. */
  readonly whole: boolean
}

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
    },
  })
  const names = SCENARIOS.map((scenario) => scenario.name)
  const wanted = values.flows === undefined ? names : listed(values.flows, names, 'flow')
  const targets =
    values.targets === undefined ? TARGET_NAMES : listed(values.targets, TARGET_NAMES, 'target')
  const plan = {
    seconds: Number(values.seconds ?? (values.quick ? 1 : 5)),
    repeat: Number(values.repeat ?? (values.quick ? 1 : 3)),
    quick: values.quick,
    targets,
  }
  if (!(plan.seconds > 0 && plan.repeat >= 1)) throw new Error('--seconds and --repeat count up')
  const peers = values.peer.map(peerOf)
  const isPart = values.quick || values.flows !== undefined || values.targets !== undefined
  const scenarios = SCENARIOS.filter(({ name }) => wanted.includes(name))
  return { plan, scenarios, peers, whole: !isPart && peers.length === 0 }
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
function fill(file: string, text: string): void {
  if (!existsSync(file)) return
  const page = readFileSync(file, 'utf8')
  const start = page.indexOf(PAGE_START)
  const end = page.indexOf(PAGE_END)
  if (start < 0 || end < start) return
  const head = page.slice(0, start + PAGE_START.length)
  writeFileSync(file, `${head}\n\n${text}\n${page.slice(end)}`)
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

async function main(choice: Choice, scratch: string): Promise<void> {
  const { plan, scenarios } = choice
  const tools = await findTools(scratch, choice.peers)
  tools.notes.forEach(say)
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
  process.stdout.write(pageText(where, plan, results, checks))
  if (choice.whole) keep(where, plan, results, checks)
  else say('only part was run: nothing is written to bench/results')
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
