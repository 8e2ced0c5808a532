/** The rules of one client, found by topic instead of asked one after the other. */
import { hasWildcard, matches } from '../topics/names.ts'
import type { AclRule } from './acl-file.ts'
import { KEPT_CHARACTERS_MAX } from './short-key.ts'

interface Ranked {
  readonly rank: number
  readonly filter: string
  readonly rule: AclRule
}

const DECISIONS_MAX = 512

/** What was decided about the last topics. */
export class Decisions {
  private readonly search: (topic: string) => AclRule | null
  private known: Map<string, AclRule | null> | null = null
  private lastTopic = ''
  private lastRule: AclRule | null = null

  constructor(search: (topic: string) => AclRule | null) {
    this.search = search
  }

  decide(topic: string): AclRule | null {
    if (topic === this.lastTopic) return this.lastRule
    const rule = topic.length > KEPT_CHARACTERS_MAX ? this.search(topic) : this.kept(topic)
    this.lastTopic = topic
    this.lastRule = rule
    return rule
  }

  private kept(topic: string): AclRule | null {
    const known = (this.known ??= new Map())
    let rule = known.get(topic)
    if (rule === undefined) {
      rule = this.search(topic)
      if (known.size >= DECISIONS_MAX) known.clear()
      known.set(topic, rule)
    }
    return rule
  }
}

/**
 * The rules that can decide one kind of access of one client, in the order in which they are asked. The first
 * that matches a topic decides.
 *
 *     a/b        exact    a look into a map
 *     a/+/c      under    the rules whose first level is `a`
 *     +/b, #     loose    asked for every topic
 */
export class RuleIndex {
  private readonly exact = new Map<string, Ranked>()
  private readonly under = new Map<string, Ranked[]>()
  private readonly loose: Ranked[] = []
  private readonly decisions = new Decisions((topic) => this.search(topic))
  private readonly cheap: boolean

  /** @param rules With placeholders filled in. */
  constructor(rules: readonly { readonly filter: string; readonly rule: AclRule }[]) {
    for (const [rank, { filter, rule }] of rules.entries()) this.add({ rank, filter, rule })
    this.cheap = this.under.size === 0 && this.loose.length === 0
  }

  private add(ranked: Ranked): void {
    const { filter } = ranked
    if (!hasWildcard(filter)) {
      if (!this.exact.has(filter)) this.exact.set(filter, ranked)
      return
    }
    const first = firstLevel(filter)
    if (first === '+' || first === '#') {
      this.loose.push(ranked)
      return
    }
    const bucket = this.under.get(first)
    if (bucket === undefined) this.under.set(first, [ranked])
    else bucket.push(ranked)
  }

  /** The rule that decides about `topic`; null: none does. */
  decide(topic: string): AclRule | null {
    return this.cheap ? this.search(topic) : this.decisions.decide(topic)
  }

  private search(topic: string): AclRule | null {
    let best = this.exact.get(topic)
    if (this.under.size > 0) best = earlier(this.under.get(firstLevel(topic)), topic, best)
    return earlier(this.loose, topic, best)?.rule ?? null
  }
}

function earlier(
  candidates: readonly Ranked[] | undefined,
  topic: string,
  best: Ranked | undefined,
): Ranked | undefined {
  if (candidates === undefined) return best
  for (const candidate of candidates) {
    if (best !== undefined && candidate.rank > best.rank) return best
    if (matches(candidate.filter, topic)) return candidate
  }
  return best
}

function firstLevel(topic: string): string {
  const end = topic.indexOf('/')
  return end < 0 ? topic : topic.slice(0, end)
}
