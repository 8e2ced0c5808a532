/** What was measured: what `tests/cluster/probe.ts` prints, and the tables of `npm run cluster:measure`. */

export type Place = 'home' | 'receiver' | 'other' | 'nats'
export type Places = Readonly<Record<Place, number>>

export interface FlowPoint {
  readonly rate: number
  readonly receivers: number
  /** CPU µs a message. */
  readonly cost: Places
  readonly client: number
}

export interface SubackPoint {
  readonly rate: number
  readonly p50us: number
}

export interface LifePoint {
  readonly connect: Places
  readonly subscribe: Places
  readonly leave: Places
  readonly ping: Places
  readonly bytesConnected: Places
}

export interface Probe {
  readonly nodes: number
  readonly count: number
  /** ISO 8601. */
  readonly when: string
  readonly idle: Places
  readonly flows: readonly FlowPoint[]
  readonly subscribeDelays: readonly SubackPoint[]
  readonly durable: LifePoint
  readonly clean: LifePoint
}

/** A run of `cluster:measure sessions`: made at b0, resumed at b1. */
export interface SessionsRun {
  readonly sessions: number
  readonly when: string
  /** CPU µs a session, all processes of a kind together; memory in bytes a session, of one process. */
  readonly madeNodes: number
  readonly madeNats: number
  readonly resumedHome: number
  readonly resumedOther: number
  readonly resumedNats: number
  readonly bytesNode: number
  readonly bytesServer: number
}

/** A run of `cluster:measure flows`. */
export interface RateRun {
  readonly when: string
  /** QoS 1 messages a second to durable sessions at another node. */
  readonly rate: number
}

export interface Measured {
  readonly sessions: readonly SessionsRun[]
  readonly rates: readonly RateRun[]
  readonly probes: readonly Probe[]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** Reads what a run printed. Throws when there is none of what is known. */
export function readMeasured(text: string, when: string): Measured {
  if (text.trimStart().startsWith('{'))
    return { sessions: [], rates: [], probes: [JSON.parse(text) as Probe] }
  const sessions = readSessions(text, when)
  const rates = readRates(text, when)
  if (sessions.length + rates.length === 0)
    throw new Error('neither a probe nor tables of cluster:measure')
  return { sessions, rates, probes: [] }
}

function readRates(text: string, when: string): RateRun[] {
  const row = /^\| QoS 1 to durable sessions, messages\/s \| (\d+) /m.exec(text)
  return row === null ? [] : [{ when, rate: Number(row[1]) }]
}

function readSessions(text: string, when: string): SessionsRun[] {
  const head = /^\| (\d+) sessions, 5 messages each/m.exec(text)
  if (head === null) return []
  const cpu = (phase: string, name: string): number => {
    const row = new RegExp(`^\\| ${phase}.*\\| (.*) \\|$`, 'm').exec(text)
    if (row === null) throw new Error(`no row of what was ${phase}`)
    return sum(
      [...row[1].matchAll(new RegExp(`${name} (-?\\d+)`, 'g'))].map((one) => Number(one[1])),
    )
  }
  const bytes = (name: string): number[] =>
    [...text.matchAll(new RegExp(`^\\| ${name} \\| \\d+ \\| \\d+ \\| (-?\\d+) \\|`, 'gm'))].map(
      (row) => Number(row[1]),
    )
  const mean = (numbers: number[]): number => Math.round(sum(numbers) / numbers.length)
  return [
    {
      sessions: Number(head[1]),
      when,
      madeNodes: cpu('made', 'b\\d'),
      madeNats: cpu('made', 'n\\d'),
      resumedHome: cpu('resumed', 'b1'),
      resumedOther: cpu('resumed', 'b[02]') / 2,
      resumedNats: cpu('resumed', 'n\\d'),
      // The one where they were made has what is left of their connections too.
      bytesNode: mean(bytes('b[1-9]')),
      bytesServer: mean(bytes('n\\d')),
    },
  ]
}

/** The second one's points beside the first one's; those of the same run size are replaced. */
export function merge(old: Measured, more: Measured): Measured {
  return {
    sessions: replaced(old.sessions, more.sessions, (run) => run.sessions),
    rates: replaced(old.rates, more.rates, () => 0),
    probes: replaced(old.probes, more.probes, (probe) => probe.nodes),
  }
}

function replaced<T>(old: readonly T[], more: readonly T[], key: (one: T) => number): T[] {
  const all = new Map([...old, ...more].map((one) => [key(one), one]))
  return [...all].sort(([a], [b]) => a - b).map(([, one]) => one)
}
