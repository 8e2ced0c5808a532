/** `mozzie cluster`: asks a node of a cluster which nodes there are, and which of them has which client. */
import { parseArgs } from 'node:util'
import type { ClusterFacts, ClusterSession } from '../admin/schemas-cluster.ts'
import { askApi, type ApiPlace } from './ask-api.ts'

export const HELP = `Usage: mozzie cluster status|sessions [--url ADDRESS] [-u USER -P PASSWORD] [--json]

Asks a node of a cluster what it knows of the others.

  status          the nodes, and how many clients each has
  sessions        durable sessions, and the node that each client is connected to

  --url ADDRESS   of the admin API of any node (default http://127.0.0.1:9883)
  -u USER         an administrator of the broker (http_admin_user)
  -P PASSWORD     the password; or put it into the variable MOZZIE_PASSWORD
  --json          a line of JSON for each row

Exit code: 0 it is a node of a cluster, 1 the question could not be asked, 2 it is a broker of its own.

Examples:
  mozzie cluster status
  mozzie cluster sessions --url https://b.shop.lan:9883 -u ann
`

export const CLUSTER_FLAGS = ['--url', '-u', '-P', '--json', '--help'] as const

const OPTIONS = {
  url: { type: 'string', default: 'http://127.0.0.1:9883' },
  username: { type: 'string', short: 'u' },
  password: { type: 'string', short: 'P' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const FAILURE_EXIT_CODE = 1
const ALONE_EXIT_CODE = 2
const ROWS_PER_PAGE = 500

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true })

/** Runs `mozzie cluster` with the words behind its name; sets the exit code. */
export async function runCluster(words: readonly string[]): Promise<void> {
  try {
    const { values, positionals } = parse(words)
    if (values.help) return void process.stdout.write(HELP)
    const [action] = positionals
    if (positionals.length !== 1 || (action !== 'status' && action !== 'sessions'))
      throw new Error(`say status or sessions.\n\n${HELP}`)
    const facts = await askApi<ClusterFacts>(values, 'cluster')
    if (!facts.clustered) {
      process.stderr.write('This is a broker of its own.\n')
      process.exitCode = ALONE_EXIT_CODE
    } else if (action === 'status') printNodes(facts, values.json === true)
    else await printSessions(values, values.json === true)
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`)
    process.exitCode = FAILURE_EXIT_CODE
  }
}

function printNodes({ name, leaseLeftMs, nodes }: ClusterFacts, asJson: boolean): void {
  if (!asJson)
    process.stdout.write(
      `Cluster ${name}; the node that answers has its lease for ${Math.round(leaseLeftMs / 100) / 10} s more.\n`,
    )
  for (const row of nodes) {
    const { node, version, connected, self } = row
    const text = `${node}  ${connected} connected  version ${version}${self ? '  (this one)' : ''}`
    process.stdout.write(`${asJson ? JSON.stringify(row) : text}\n`)
  }
}

async function printSessions(place: ApiPlace, asJson: boolean): Promise<void> {
  const pageSize = String(ROWS_PER_PAGE)
  for (let page = 1, left = true; left; page++) {
    const query = { page: String(page), pageSize }
    const reply = await askApi<{ items: ClusterSession[]; total: number }>(
      place,
      'cluster/sessions',
      query,
    )
    for (const row of reply.items) {
      const { clientId, node, subscriptions } = row
      const text = `${JSON.stringify(clientId)}  ${node || '(away)'}  ${subscriptions} subscriptions`
      process.stdout.write(`${asJson ? JSON.stringify(row) : text}\n`)
    }
    left = reply.items.length > 0 && page * ROWS_PER_PAGE < reply.total
  }
}
