/** What a row of the benchmark is. */

export const TARGET_NAMES = ['mozzie', 'mosquitto', 'aedes', 'floor'] as const
/** One of {@link TARGET_NAMES}, or a {@link Peer}. */
export type TargetName = string

/** A broker that whoever runs the benchmark has: `--peer NAME=COMMAND`, with `{port}` or `{conf}` in the command. */
export interface Peer {
  readonly name: string
  readonly command: string
}

/** Peers run what mosquitto does; with more than a port to serve only those that read its configuration file. */
export function mayRun({ command }: Peer, { targets, tls, durable }: Scenario): boolean {
  return targets.includes('mosquitto') && ((!tls && !durable) || command.includes('{conf}'))
}

export interface Goal {
  /**
   * `fixed` compares the figure itself, `fdatasync` its ratio to the median time of one (`fdatasync_us`), `node` to a
   * start of Node that does nothing (`node_ms`), the others its ratio to that target's figure.
   */
  readonly against: 'mosquitto' | 'floor' | 'fixed' | 'fdatasync' | 'node'
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Metric {
  /** Field of the load client's JSON line. */
  readonly field: string
  readonly label: string
  readonly goals: readonly Goal[]
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly mode:
    | 'handshakes'
    | 'flow'
    | 'connections'
    | 'retain'
    | 'subscriptions'
    | 'queue'
    | 'backlog'
    /** Nothing but the start of the broker, and of one that publishes a message. */
    | 'start'
  /** Options of the load client; `seconds`, `port` and `pid` are added by the runner. */
  readonly options: Readonly<Record<string, string | number>>
  readonly targetOptions?: Readonly<Partial<Record<TargetName, Record<string, string | number>>>>
  /** Over TLS, with a certificate of P-256. */
  readonly tls?: boolean
  /** The broker keeps its state on the disk (`persistence true`). */
  readonly durable?: boolean
  /** Lines of mosquitto.conf beside those that every run has; of ours alone, and of all who read such a file. */
  readonly ownLines?: string
  readonly lines?: string
  /** After the load the broker is killed; measured is how long it takes until it answers a CONNECT again. */
  readonly restart?: boolean
  /** Figures have `crossed_share` too: of all messages those that went to another thread, as `$SYS` counts them. */
  readonly crossing?: boolean
  /** `count` of a --quick run. */
  readonly quickCount?: number
  readonly targets: readonly TargetName[]
  readonly metrics: readonly Metric[]
}

export const BROKERS: readonly TargetName[] = ['mozzie', 'mosquitto', 'aedes']
export const TWO: readonly TargetName[] = ['mozzie', 'mosquitto']
export const PAYLOAD_BYTES = 64
export const NO_LOSS: Metric = {
  field: 'lost',
  label: 'lost',
  goals: [{ against: 'fixed', atMost: 0 }],
}

/** No bound on what waits for a session: mosquitto has 1000 messages, ours its bytes as well. */
export const UNBOUNDED_QUEUE = 'max_queued_messages 0\n'

/** mosquitto has no such bound. */
export const UNBOUNDED_RATE = 'max_connection_rate 0\n'

/** Scenarios whose rate the C load generator must confirm. */
export function isRateFlow(scenario: Scenario): boolean {
  // The C generator speaks no TLS.
  if (scenario.durable === true || scenario.tls === true) return false
  return scenario.metrics.some(({ field }) => field === 'rate')
}
