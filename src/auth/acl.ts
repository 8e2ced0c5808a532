/** Rights of clients, made of the rules of an ACL file. */
import { hasWildcard, parseShared } from '../topics/names.ts'
import { covers, overlaps } from '../topics/overlap.ts'
import type { AclRule, AclRules } from './acl-file.ts'
import { filledFilter, hasWildName, type AclSubject } from './placeholders.ts'
import { RuleIndex } from './rule-index.ts'

/** What one client may do, whatever kinds of rules say so. A rule that is null denies. */
export interface ClientRights {
  /** The rule that decides whether `topic` may be read. */
  readRule(topic: string): AclRule | null
  /** The rule that decides whether `topic` may be written. */
  writeRule(topic: string): AclRule | null
  /** The rule that decides about a subscription to `filter`. */
  subscribeRule(filter: string): AclRule | null
  /** The rule that decides about the end of one. */
  unsubscribeRule(filter: string): AclRule | null
  /** Whether a subscription to `filter` can ever be sent anything. */
  hasHope(filter: string): boolean
}

/** ACL files say nothing of subscriptions: what is denied is kept back message by message. */
const ANY_SUBSCRIPTION: AclRule = {
  access: 'readwrite',
  filter: '#',
  place: 'an ACL file does not restrict subscriptions',
}

interface PlacedRule {
  readonly filter: string
  readonly rule: AclRule
}

/** What one client may do by the rules of a file, or by those that came with its login. */
export class Rights implements ClientRights {
  private readonly readers: RuleIndex
  private readonly writers: RuleIndex
  private readonly rules: readonly PlacedRule[]

  /** @param rules In the order in which they decide. */
  constructor(rules: readonly PlacedRule[]) {
    this.rules = rules
    this.readers = new RuleIndex(rules.filter(({ rule }) => rule.access !== 'write'))
    this.writers = new RuleIndex(rules.filter(({ rule }) => rule.access !== 'read'))
  }

  /** The rule that decides whether `topic` may be read; null: none, which denies. */
  readRule(topic: string): AclRule | null {
    return this.readers.decide(topic)
  }

  /** The rule that decides whether `topic` may be written; null: none, which denies. */
  writeRule(topic: string): AclRule | null {
    return this.writers.decide(topic)
  }

  subscribeRule(): AclRule {
    return ANY_SUBSCRIPTION
  }

  unsubscribeRule(): AclRule {
    return ANY_SUBSCRIPTION
  }

  hasHope(filter: string): boolean {
    const plain = parseShared(filter)?.filter ?? filter
    if (!hasWildcard(plain)) return allows(this.readRule(plain))
    for (const { filter: own, rule } of this.rules) {
      if (rule.access === 'write') continue
      if (rule.access !== 'deny' && overlaps(own, plain)) return true
      // What an earlier rule denies no later one allows.
      if (rule.access === 'deny' && covers(own, plain)) return false
    }
    return false
  }
}

export function allows(rule: AclRule | null): boolean {
  return rule !== null && rule.access !== 'deny'
}

/** The rights that a client gets from the rules of a file. */
export class Acl {
  readonly rules: AclRules
  private readonly shared = new Map<string | null, Rights>()
  private readonly sources = new Map<string, Rights>()

  constructor(rules: AclRules) {
    this.rules = rules
  }

  /** Without patterns all clients of a user have the same object. */
  rightsOf(subject: AclSubject): Rights {
    const { patterns } = this.rules
    if (patterns.length > 0)
      return new Rights([...this.section(subject), ...placed(patterns, subject)])
    const user = this.known(subject)
    let rights = this.shared.get(user)
    if (rights === undefined) {
      rights = new Rights(this.section(subject))
      this.shared.set(user, rights)
    }
    return rights
  }

  /** The same for who need not be connected, asked for one retained message after the other. */
  rightsOfSource(subject: AclSubject): Rights {
    if (this.rules.patterns.length === 0) return this.rightsOf(subject)
    const key = JSON.stringify([subject.username, subject.clientId])
    let rights = this.sources.get(key)
    if (rights === undefined) {
      rights = this.rightsOf(subject)
      if (this.sources.size >= SOURCES_MAX) this.sources.clear()
      this.sources.set(key, rights)
    }
    return rights
  }

  /** Whether patterns are kept from this client, because its names would be wildcards in them. */
  isDangerous(subject: AclSubject): boolean {
    return this.rules.patterns.length > 0 && hasWildName(subject)
  }

  /** Users without a section are one: nobody may grow the table by inventing names. */
  private known({ username }: AclSubject): string | null {
    if (username === null) return null
    return this.rules.users.has(username) ? username : UNKNOWN_USER
  }

  private section({ username }: AclSubject): PlacedRule[] {
    const { anonymous, users } = this.rules
    const rules = username === null ? anonymous : (users.get(username) ?? [])
    return denyFirst(rules.map((rule) => ({ filter: rule.filter, rule })))
  }
}

const SOURCES_MAX = 1000

/** No section can have it: names are trimmed and not empty. */
const UNKNOWN_USER = ' '

/** Rights of their own, that no file has. */
export function rightsOfRules(rules: readonly AclRule[]): Rights {
  return new Rights(denyFirst(rules.map((rule) => ({ filter: rule.filter, rule }))))
}

function denyFirst(rules: readonly PlacedRule[]): PlacedRule[] {
  return [
    ...rules.filter(({ rule }) => rule.access === 'deny'),
    ...rules.filter(({ rule }) => rule.access !== 'deny'),
  ]
}

/** Patterns with the client's own names in them, those that can have them. */
function placed(patterns: readonly AclRule[], subject: AclSubject): PlacedRule[] {
  const rules: PlacedRule[] = []
  for (const rule of patterns) {
    const filter = filledFilter(rule.filter, subject)
    if (filter !== null) rules.push({ filter, rule })
  }
  return denyFirst(rules)
}
