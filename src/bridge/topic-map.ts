/**
 * Which topics cross a bridge, and as what (`topic` lines).
 *
 *     local topic  = localPrefix  + pattern's match        remote topic = remotePrefix + pattern's match
 *
 * Only the first line with a prefix whose filter matches changes a topic; lines without prefixes leave it as it is.
 */
import type { Qos } from '../codec/packets.ts'
import { matches } from '../topics/names.ts'
import type { TopicLine } from './settings.ts'

/** A filter to subscribe to, at the highest QoS among its lines. */
export interface WantedFilter {
  readonly filter: string
  readonly qos: Qos
}

interface Rule {
  readonly filter: string
  /** What goes from the front of a topic, and what takes its place. */
  readonly strip: string
  readonly prefix: string
}

/** Topics whose new name is remembered; they are few, and far more would be an attack. */
const KNOWN_MAX = 10_000
const KNOWN_LENGTH_MAX = 256

export class TopicMap {
  /** To subscribe to here, for what goes out. */
  readonly localFilters: readonly WantedFilter[]
  /** To subscribe to there, for what comes in. */
  readonly remoteFilters: readonly WantedFilter[]
  /** Remote filters of lines that only go out. */
  readonly unwantedFilters: readonly string[]
  /** Some line goes out at QoS 2. */
  readonly sendsQos2: boolean
  private readonly outRules: readonly Rule[]
  private readonly inRules: readonly Rule[]
  private readonly knownOut = new Map<string, string>()
  /** null: no line lets it in. */
  private readonly knownIn = new Map<string, string | null>()

  constructor(lines: readonly TopicLine[]) {
    const out = lines.filter(({ direction }) => direction !== 'in')
    const into = lines.filter(({ direction }) => direction !== 'out')
    this.localFilters = filtersOf(out, localOf)
    this.remoteFilters = filtersOf(into, remoteOf)
    const wanted = new Set(this.remoteFilters.map(({ filter }) => filter))
    const leaving = new Set(out.map(remoteOf))
    this.unwantedFilters = [...leaving].filter((filter) => !wanted.has(filter))
    this.sendsQos2 = out.some(({ qos }) => qos === 2)
    this.outRules = out.filter(hasPrefix).map((line) => ruleOf(line, 'out'))
    this.inRules = into.filter(hasPrefix).map((line) => ruleOf(line, 'in'))
  }

  /** The remote name of a local topic. */
  remoteTopic(topic: string): string {
    const known = this.knownOut.get(topic)
    if (known !== undefined) return known
    const name = renamed(topic, this.outRules)
    remember(this.knownOut, topic, name)
    return name
  }

  /** The local name of a remote topic; null when no line asked for it. */
  localTopic(topic: string): string | null {
    const known = this.knownIn.get(topic)
    if (known !== undefined) return known
    const asked = this.remoteFilters.some(({ filter }) => matches(filter, topic))
    const name = asked ? renamed(topic, this.inRules) : null
    remember(this.knownIn, topic, name)
    return name
  }
}

const localOf = ({ localPrefix, pattern }: TopicLine): string => localPrefix + pattern
const remoteOf = ({ remotePrefix, pattern }: TopicLine): string => remotePrefix + pattern

function hasPrefix({ localPrefix, remotePrefix }: TopicLine): boolean {
  return localPrefix !== '' || remotePrefix !== ''
}

function filtersOf(
  lines: readonly TopicLine[],
  nameOf: (line: TopicLine) => string,
): WantedFilter[] {
  const best = new Map<string, Qos>()
  for (const line of lines) {
    const filter = nameOf(line)
    best.set(filter, Math.max(best.get(filter) ?? 0, line.qos) as Qos)
  }
  return [...best].map(([filter, qos]) => ({ filter, qos }))
}

function ruleOf(line: TopicLine, direction: 'in' | 'out'): Rule {
  const { localPrefix, remotePrefix } = line
  return direction === 'out'
    ? { filter: localOf(line), strip: localPrefix, prefix: remotePrefix }
    : { filter: remoteOf(line), strip: remotePrefix, prefix: localPrefix }
}

function renamed(topic: string, rules: readonly Rule[]): string {
  const rule = rules.find(({ filter }) => matches(filter, topic))
  if (rule === undefined) return topic
  // `a/#` also matches `a`, which has no prefix to lose.
  const rest = topic.startsWith(rule.strip) ? topic.slice(rule.strip.length) : topic
  return rule.prefix + rest
}

export function remember<T>(known: Map<string, T>, topic: string, name: T): void {
  if (topic.length > KNOWN_LENGTH_MAX) return
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(topic, name)
}
