/**
 * Network namespaces, each for one NATS server and one broker, and lines that can be cut:
 *
 *     space 0 ──┐                        the nodes' net: a bridge here, cut at a space's end
 *     space 1 ──┼── bridge
 *     space 2 ──┘
 *     space k ═══ here                   clients' own way to each, never cut
 */
import { spawnSync } from 'node:child_process'

export interface Space {
  /** In front of a command that is to run there. */
  readonly enter: readonly string[]
  /** Its address in the nodes' net. */
  readonly nodeHost: string
  /** Its address for clients. */
  readonly clientHost: string
  /** Of its line to the other nodes: nothing passes, and nobody is told. */
  cut(isCut: boolean): void
  /** The same of the way to one other. */
  cutFrom(other: Space, isCut: boolean): void
}

export interface Spaces {
  readonly spaces: readonly Space[]
  end(): void
}

const ID = process.pid % 100_000
const NET = process.pid % 200
const BRIDGE = `mzb${ID}`

/** Runs `ip`; returns what is wrong, '': nothing. */
function ip(...args: string[]): string {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' })
  return status === 0 ? '' : (error?.message ?? stderr).trim()
}

function must(...args: string[]): void {
  const problem = ip(...args)
  if (problem !== '') throw new Error(`ip ${args.join(' ')}: ${problem}`)
}

/** Makes `count` of them; or says why there can be none. */
export function makeSpaces(count: number): Spaces | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root'
  const names = Array.from({ length: count }, (_, index) => `mzc${ID}x${index}`)
  const end = (): void => {
    for (const name of names) ip('netns', 'del', name)
    ip('link', 'del', BRIDGE)
  }
  try {
    must('link', 'add', BRIDGE, 'type', 'bridge')
    must('link', 'set', BRIDGE, 'up')
    return { spaces: names.map(makeSpace), end }
  } catch (error) {
    end()
    return `no network namespaces: ${(error as Error).message}`
  }
}

function makeSpace(name: string, index: number): Space {
  const inside = (...args: string[]): void => must('netns', 'exec', name, 'ip', ...args)
  const nodeHost = `10.233.${NET}.${index + 1}`
  const clientHost = `10.234.${NET}.${4 * index + 2}`
  const [nodes, clients] = [`mzn${ID}x${index}`, `mzk${ID}x${index}`]
  must('netns', 'add', name)
  inside('link', 'set', 'lo', 'up')
  must('link', 'add', nodes, 'type', 'veth', 'peer', 'name', 'nodes', 'netns', name)
  must('link', 'set', nodes, 'master', BRIDGE, 'up')
  inside('addr', 'add', `${nodeHost}/24`, 'dev', 'nodes')
  inside('link', 'set', 'nodes', 'up')
  must('link', 'add', clients, 'type', 'veth', 'peer', 'name', 'clients', 'netns', name)
  must('addr', 'add', `10.234.${NET}.${4 * index + 1}/30`, 'dev', clients)
  must('link', 'set', clients, 'up')
  inside('addr', 'add', `${clientHost}/30`, 'dev', 'clients')
  inside('link', 'set', 'clients', 'up')
  return {
    enter: ['ip', 'netns', 'exec', name],
    nodeHost,
    clientHost,
    cut: (isCut) => inside('link', 'set', 'nodes', isCut ? 'down' : 'up'),
    cutFrom: (other, isCut) =>
      inside('route', isCut ? 'add' : 'del', 'blackhole', `${other.nodeHost}/32`),
  }
}
