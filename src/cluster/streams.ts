/**
 * The streams of a cluster, made by whichever node comes first. `NAME` is the cluster's.
 *
 *     NAME_S    NAME.s.<sid>              a session's record: the last one counts
 *     NAME_Q<k> NAME.q.<k>.<sid>          its queue
 *     NAME_X    NAME.x.<sid>.i.<id>       QoS 2 messages held until PUBREL; .o.<sequence>: entries that are released
 *     NAME_R    NAME.r.<token of topic>   retained messages
 *     NAME_W    NAME.w.<sid>              wills of clients that are connected
 *     NAME_D    NAME.d.<token of id>      delayed publishes
 *     NAME_N    NAME.n.<node>             heartbeats; .life.id: which life of the stream it is
 *     NAME_K    NAME.k.<token of key>     what all nodes agree on: who runs which bridge, …
 *
 * What goes into S, R, N, K and Q comes out again on a subject beside it, to whoever listens: `NAME.f.…`, `NAME.l.…`.
 */
import { ApiError, ClusterError } from './failures.ts'
import { pause, type Wire } from './wire.ts'

export interface StreamSettings {
  /** In front of every subject and stream. */
  readonly name: string
  readonly replicas: number
  readonly partitions: number
  /** Most messages of one queue; 0: any number. */
  readonly queuedMax: number
}

const NANOSECONDS = 1e6
/** As long a QoS 2 message is known to be stored, should its publisher's node die while it is handed out. */
const DUPLICATE_MS = 600_000
/** By then a server that stood still has been left by the others, and what it had taken goes nowhere. */
const LATE_MS = 60_000
const STREAM_EXISTS = 10_058
/** Not as many servers as replicas, or not yet. */
const NO_PEERS = 10_005
const PEERS_MS_MAX = 30_000
const RETRY_MS = 500

interface StreamConfig {
  readonly name: string
  readonly subjects: readonly string[]
  readonly num_replicas: number
  readonly max_msgs_per_subject: number
  readonly max_msg_size?: number
  readonly [field: string]: unknown
}

interface StreamInfo {
  readonly config: StreamConfig
}

function table(settings: StreamSettings): StreamConfig[] {
  const { name, replicas, partitions, queuedMax } = settings
  const common = {
    num_replicas: replicas,
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    allow_direct: true,
    allow_msg_ttl: true,
    max_consumers: -1,
  }
  const last = (letter: string): StreamConfig => ({
    ...common,
    name: `${name}_${letter}`,
    subjects: [`${name}.${letter.toLowerCase()}.>`],
    max_msgs_per_subject: 1,
    discard: 'old',
    duplicate_window: LATE_MS * NANOSECONDS,
  })
  const told = (letter: string): StreamConfig => ({
    ...last(letter),
    republish: {
      src: `${name}.${letter.toLowerCase()}.>`,
      dest: `${name}.f.${letter.toLowerCase()}.>`,
    },
  })
  const queues = Array.from({ length: partitions }, (_, k) => ({
    ...common,
    name: queueStream(name, k),
    subjects: [`${name}.q.${k}.*`],
    max_msgs_per_subject: queuedMax > 0 ? queuedMax : -1,
    discard_new_per_subject: queuedMax > 0,
    allow_atomic: true,
    duplicate_window: DUPLICATE_MS * NANOSECONDS,
    republish: { src: `${name}.q.${k}.>`, dest: `${name}.l.${k}.>` },
  }))
  return [
    told('S'),
    ...queues,
    last('X'),
    last('W'),
    last('D'),
    told('R'),
    told('K'),
    { ...told('N'), storage: 'memory' },
  ]
}

/** How the stream of heartbeats is made; see `heartbeats.ts`. */
export function heartbeatStream(settings: StreamSettings): StreamConfig {
  const all = table(settings)
  return all[all.length - 1]
}

export function queueStream(name: string, partition: number): string {
  return `${name}_Q${partition}`
}

/**
 * Makes the streams that are not there; resolves to the bytes of the largest message that all of them take. Throws {@link ClusterError} when JetStream cannot have them. `say` is told what
 * an operator should know.
 */
export async function makeStreams(
  wire: Wire,
  settings: StreamSettings,
  say: (text: string) => void,
): Promise<number> {
  let bytesMax = Infinity
  for (const config of table(settings)) {
    const most = await makeStream(wire, config, say)
    if (most > 0) bytesMax = Math.min(bytesMax, most)
  }
  return bytesMax
}

/** The same of streams that are there. */
export async function readBytesMax(wire: Wire, settings: StreamSettings): Promise<number> {
  const infos = table(settings).map(({ name }) => wire.api<StreamInfo>(`STREAM.INFO.${name}`))
  const sizes = (await Promise.all(infos)).map(({ config }) => config.max_msg_size ?? -1)
  return Math.min(Infinity, ...sizes.filter((size) => size > 0))
}

async function makeStream(
  wire: Wire,
  config: StreamConfig,
  say: (text: string) => void,
): Promise<number> {
  for (const endMs = performance.now() + PEERS_MS_MAX; ; await pause(RETRY_MS)) {
    try {
      await wire.api(`STREAM.CREATE.${config.name}`, config)
      return -1
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.errCode === STREAM_EXISTS) return await fitStream(wire, config, say)
      if (error.errCode !== NO_PEERS || performance.now() > endMs)
        throw new ClusterError(`the cluster cannot make its streams: ${error.message}`)
    }
  }
}

/** A stream that is there with other settings: replicas and the largest message stay as they are, the rest is this node's from now on. Resolves to the bytes of that; -1: any. */
async function fitStream(
  wire: Wire,
  config: StreamConfig,
  say: (text: string) => void,
): Promise<number> {
  const found = await wire.api<StreamInfo>(`STREAM.INFO.${config.name}`)
  const {
    max_msg_size: bytesMax = -1,
    num_replicas: replicas,
    max_msgs_per_subject: most,
  } = found.config
  if (replicas !== config.num_replicas)
    say(
      `stream ${config.name} has ${replicas} replicas, not ${config.num_replicas}: change it with "nats stream edit"`,
    )
  if (most === config.max_msgs_per_subject) return bytesMax
  say(`the longest queue of ${config.name} changes from ${most} to ${config.max_msgs_per_subject}`)
  await wire.api(`STREAM.UPDATE.${config.name}`, {
    ...found.config,
    max_msgs_per_subject: config.max_msgs_per_subject,
    discard_new_per_subject: config.max_msgs_per_subject > 0,
  })
  return bytesMax
}
