/** `mozzie cluster`: asks a node of a cluster which nodes there are, which of them has which client, and has one be left by its clients. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterFacts, ClusterSession } from '../admin/schemas-cluster.ts'
import { API_OPTIONS, askApi, askRows, orFail, tellApi, type ApiPlace } from './ask-api.ts'
import { parseWords } from './unknown-option.ts'

export const HELP = `Usage: mozzie cluster status|sessions|drain NODE [--url ADDRESS] [-u USER -P PASSWORD] [--json]

Asks a node of a cluster what it knows of the others, or has a node be left by its clients.

  status          the nodes, and how many clients each has
  sessions        durable sessions, and the node that each client is connected to
  drain NODE      the node lets nobody in any more and sends its clients away, who connect
                  to others; ends when it has none, and the node may be stopped

  --url ADDRESS   of the admin API of any node (default http://127.0.0.1:9883)
  -u USER         an administrator of the broker (http_admin_user)
  -P PASSWORD     the password; or put it into the variable MOZZIE_PASSWORD
  --seconds N     drain: the clients go within some N seconds (default 10)
  --json          a line of JSON for each row

Exit code: 0 it is a node of a cluster, or the node is drained; 1 the question could not be asked, or the
node still has clients after N seconds and 30 more; 2 it is a broker of its own.

Examples:
  mozzie cluster status
  mozzie cluster sessions --url https://b.shop.lan:9883 -u ann
  mozzie cluster drain b1 --seconds 60
`

export const CLUSTER_FLAGS = ['--url', '-u', '-P', '--seconds', '--json', '--help'] as const

const OPTIONS = {
  ...API_OPTIONS,
  seconds: { type: 'string', default: '10' },
} as const

const ALONE_EXIT_CODE = 2

/** Beyond the time it was given: a client whose connection is opening is waited for. */
const DRAIN_MS_MORE = 30_000
const POLL_MS = 500

const parse = (words: readonly string[]) =>
  parseWords({ args: [...words], options: OPTIONS, allowPositionals: true })

type Values = ReturnType<typeof parse>['values']

/** What may be said behind `cluster`, and how many words more. */
const ACTIONS: Readonly<Record<string, { readonly words: number; readonly run: Action }>> = {
  status: { words: 0, run: async (values, facts) => printNodes(facts, values.json === true) },
  sessions: { words: 0, run: (values) => printSessions(values, values.json === true) },
  drain: { words: 1, run: (values, facts, node) => drain(values, facts, node) },
}

type Action = (values: Values, facts: ClusterFacts, node: string) => Promise<void>

/** Runs `mozzie cluster` with the words behind its name; sets the exit code. */
export async function runCluster(words: readonly string[]): Promise<void> {
  await orFail(async (): Promise<void> => {
    const { values, positionals } = parse(words)
    if (values.help) return void process.stdout.write(HELP)
    const [name = '', node = ''] = positionals
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (action === undefined || positionals.length !== action.words + 1)
      throw new Error(`say status, sessions or drain NODE.\n\n${HELP}`)
    const facts = await askApi<ClusterFacts>(values, 'cluster')
    if (facts.clustered) return await action.run(values, facts, node)
    process.stderr.write('This is a broker of its own.\n')
    process.exitCode = ALONE_EXIT_CODE
  })
}

/** Has the node begin, and waits until all others have heard that it has no clients. */
async function drain(values: Values, facts: ClusterFacts, node: string): Promise<void> {
  const seconds = Number(values.seconds)
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new Error(`--seconds ${values.seconds}: say a whole number of them, 1 or more`)
  await tellApi(values, 'POST', 'cluster/drain', { node, seconds })
  const endMs = performance.now() + seconds * 1000 + DRAIN_MS_MORE
  let last = -1
  for (let now = facts; ; now = await askApi<ClusterFacts>(values, 'cluster')) {
    const row = now.nodes.find((one) => one.node === node)
    if (row === undefined) throw new Error(`node ${node} is gone`)
    const { connected, draining } = row
    if (connected !== last) say(values, row, `${node}  ${connected} connected`)
    last = connected
    if (draining && connected === 0) break
    if (performance.now() > endMs)
      throw new Error(`node ${node} still has ${connected} clients: they may not find another node`)
    await sleep(POLL_MS)
  }
  if (values.json !== true) process.stdout.write(`${node} is drained: it may be stopped.\n`)
}

function say(values: Values, row: object, text: string): void {
  process.stdout.write(`${values.json === true ? JSON.stringify(row) : text}\n`)
}

function printNodes({ name, leaseLeftMs, nodes }: ClusterFacts, asJson: boolean): void {
  if (!asJson)
    process.stdout.write(
      `Cluster ${name}; the node that answers has its lease for ${Math.round(leaseLeftMs / 100) / 10} s more.\n`,
    )
  for (const row of nodes) {
    const { node, version, connected, draining, self } = row
    const notes = `${draining ? '  draining' : ''}${self ? '  (this one)' : ''}`
    const text = `${node}  ${connected} connected  version ${version}${notes}`
    process.stdout.write(`${asJson ? JSON.stringify(row) : text}\n`)
  }
}

async function printSessions(place: ApiPlace, asJson: boolean): Promise<void> {
  for await (const row of askRows<ClusterSession>(place, 'cluster/sessions')) {
    const { clientId, node, subscriptions } = row
    const text = `${JSON.stringify(clientId)}  ${node || '(away)'}  ${subscriptions} subscriptions`
    process.stdout.write(`${asJson ? JSON.stringify(row) : text}\n`)
  }
}
