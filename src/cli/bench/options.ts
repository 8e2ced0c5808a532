/** The command line of `mozzie bench`. */
import type { Qos, Version } from '../../codec/packets.ts'
import { parseBound, type Bound } from './fail-if.ts'
import { parseWords } from '../unknown-option.ts'

export const BENCH_MODES = ['conn', 'pub', 'sub', 'flow'] as const
export type BenchMode = (typeof BENCH_MODES)[number]

/** What a thread needs to know; plain data, so that it can be sent to one. */
export interface LoadOptions {
  readonly mode: BenchMode
  readonly url: string
  readonly version: Version
  readonly username: string | null
  readonly password: string | null
  readonly caFile: string | null
  readonly insecure: boolean
  readonly publishers: number
  readonly subscribers: number
  /** With `%i`: the number of the publisher or subscriber. */
  readonly topic: string
  readonly qos: Qos
  readonly payloadBytes: number
  readonly retain: boolean
  /** Messages of all publishers together, a second; 0: as fast as answers come. */
  readonly rate: number
  /** Messages a publisher may have under way. */
  readonly window: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Connections opened a second. */
  readonly ramp: number
}

export interface BenchOptions {
  readonly load: LoadOptions
  readonly threads: number
  readonly json: boolean
  readonly quiet: boolean
  readonly bounds: readonly Bound[]
}

/** One line for standard error. */
export class BenchUsageError extends Error {
  override name = 'BenchUsageError'
}

const FLAGS = {
  host: { type: 'string', short: 'h', default: '127.0.0.1' },
  port: { type: 'string', short: 'p' },
  url: { type: 'string', short: 'L' },
  username: { type: 'string', short: 'u' },
  pw: { type: 'string', short: 'P' },
  cafile: { type: 'string' },
  insecure: { type: 'boolean', default: false },
  'mqtt-version': { type: 'string', short: 'V', default: '5' },
  clients: { type: 'string', short: 'c' },
  publishers: { type: 'string' },
  subscribers: { type: 'string' },
  topic: { type: 'string', short: 't', default: 'bench/%i' },
  qos: { type: 'string', short: 'q', default: '0' },
  size: { type: 'string', short: 's', default: '64' },
  retain: { type: 'boolean', short: 'r', default: false },
  rate: { type: 'string', default: '0' },
  window: { type: 'string', default: '100' },
  duration: { type: 'string', short: 'd', default: '10s' },
  'warm-up': { type: 'string', default: '1s' },
  ramp: { type: 'string', default: '1000' },
  threads: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  'fail-if': { type: 'string', multiple: true, default: [] as string[] },
} as const

const VERSIONS: Readonly<Record<string, Version>> = {
  '31': 3,
  mqttv31: 3,
  '3': 3,
  '311': 4,
  mqttv311: 4,
  '4': 4,
  '5': 5,
  mqttv5: 5,
}

function parse(words: readonly string[]) {
  try {
    return parseWords({ args: [...words], options: FLAGS, allowPositionals: true })
  } catch (error) {
    throw new BenchUsageError((error as Error).message.split('. ')[0])
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  throw new BenchUsageError(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`)
}

/** `10`, `10s`, `500ms`, `2m` as seconds. */
function seconds(name: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?$/.exec(text)
  if (match === null)
    throw new BenchUsageError(`--${name} must be a time such as 10s, not "${text}"`)
  const scale = { ms: 0.001, s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1
  return Number(match[1]) * scale
}

type Values = ReturnType<typeof parse>['values']

function urlOf(values: Values): string {
  if (values.url !== undefined) return values.url
  const secure = values.cafile !== undefined || values.insecure
  const host = values.host.includes(':') ? `[${values.host}]` : values.host
  return `${secure ? 'mqtts' : 'mqtt'}://${host}:${values.port ?? (secure ? '8883' : '1883')}`
}

/** `-c` is for the side that the mode is about; in a flow, for both. */
function sides(mode: BenchMode, values: Values) {
  const count = (name: 'publishers' | 'subscribers', own: boolean): number =>
    own ? whole(name, values[name] ?? values.clients ?? '10', 1, 1_000_000) : 0
  return {
    publishers: count('publishers', mode === 'pub' || mode === 'flow'),
    subscribers: count('subscribers', mode !== 'pub'),
  }
}

/** @throws BenchUsageError */
export function parseBench(words: readonly string[]): BenchOptions {
  const { values, positionals } = parse(words)
  const mode = BENCH_MODES.find((name) => name === positionals[0])
  if (mode === undefined || positionals.length > 1)
    throw new BenchUsageError(`what to measure is one of ${BENCH_MODES.join(', ')}`)
  const version = VERSIONS[values['mqtt-version']]
  if (version === undefined) throw new BenchUsageError('--mqtt-version is one of 31, 311, 5')
  const bounds = values['fail-if'].map((text) => {
    const bound = parseBound(text)
    if (bound === null)
      throw new BenchUsageError(
        `--fail-if "${text}" is no bound; write it like 'p99>20ms' or 'lost>0'`,
      )
    return bound
  })
  const load: LoadOptions = {
    mode,
    url: urlOf(values),
    version,
    username: values.username ?? null,
    password: values.pw ?? null,
    caFile: values.cafile ?? null,
    insecure: values.insecure,
    ...sides(mode, values),
    topic: values.topic,
    qos: whole('qos', values.qos, 0, 2) as Qos,
    payloadBytes: whole('size', values.size, 0, 268_000_000),
    retain: values.retain,
    rate: whole('rate', values.rate, 0, 100_000_000),
    window: whole('window', values.window, 1, 65_535),
    seconds: seconds('duration', values.duration),
    warmUpSeconds: mode === 'conn' ? 0 : seconds('warm-up', values['warm-up']),
    ramp: whole('ramp', values.ramp, 1, 1_000_000),
  }
  const threads = whole('threads', values.threads, 1, 64)
  return { load, threads, json: values.json, quiet: values.quiet, bounds }
}
