/** Rights of clients, made of the rules of an ACL file. */
import { hasWildcard, parseShared } from '../topics/names.ts'
import { covers, overlaps } from '../topics/overlap.ts'
import type { AclRule, AclRules } from './acl-file.ts'
import { filledFilter, hasWildName, type AclSubject } from './placeholders.ts'
import { PatternTree } from './pattern-tree.ts'
import { Decisions, RuleIndex } from './rule-index.ts'

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

/** What may be done by the rules of one section of a file, or by those that came with a login. */
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
    return hopeBy(this.rules, plain) ?? false
  }

  /** The same of a filter with wildcards, for rules behind which others are asked; null: these say nothing. */
  hopeOf(plain: string): boolean | null {
    return hopeBy(this.rules, plain)
  }
}

/** null: none of the rules is about it. */
function hopeBy(rules: Iterable<PlacedRule>, plain: string): boolean | null {
  for (const { filter: own, rule } of rules) {
    if (rule.access === 'write') continue
    if (rule.access !== 'deny' && overlaps(own, plain)) return true
    // What an earlier rule denies no later one allows.
    if (rule.access === 'deny' && covers(own, plain)) return false
  }
  return null
}

/** The patterns of a file, in the order in which they decide. */
class Patterns {
  readonly readers: PatternTree
  readonly writers: PatternTree
  private readonly rules: readonly AclRule[]

  constructor(rules: readonly AclRule[]) {
    this.rules = denyFirst(rules)
    this.readers = new PatternTree(this.rules.filter(({ access }) => access !== 'write'))
    this.writers = new PatternTree(this.rules.filter(({ access }) => access !== 'read'))
  }

  /** With the client's own names in them, those that can have them. */
  *placed(subject: AclSubject): Iterable<PlacedRule> {
    for (const rule of this.rules) {
      const filter = filledFilter(rule.filter, subject)
      if (filter !== null) yield { filter, rule }
    }
  }
}

/** What the section of a user and, behind it, the patterns of the file come to for one client. */
class PatternRights implements ClientRights {
  private readonly section: Rights
  private readonly patterns: Patterns
  private readonly subject: AclSubject
  private readonly readers: Decisions
  private readonly writers: Decisions

  constructor(section: Rights, patterns: Patterns, subject: AclSubject) {
    this.section = section
    this.patterns = patterns
    this.subject = subject
    this.readers = new Decisions((topic) => patterns.readers.find(topic, subject))
    this.writers = new Decisions((topic) => patterns.writers.find(topic, subject))
  }

  readRule(topic: string): AclRule | null {
    return this.section.readRule(topic) ?? this.readers.decide(topic)
  }

  writeRule(topic: string): AclRule | null {
    return this.section.writeRule(topic) ?? this.writers.decide(topic)
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
    return this.section.hopeOf(plain) ?? hopeBy(this.patterns.placed(this.subject), plain) ?? false
  }
}

export function allows(rule: AclRule | null): boolean {
  return rule !== null && rule.access !== 'deny'
}

/** The rights that a client gets from the rules of a file. */
export class Acl {
  readonly rules: AclRules
  private readonly patterns: Patterns | null
  private readonly sections = new Map<string | null, Rights>()
  private readonly sources = new Map<string, ClientRights>()

  constructor(rules: AclRules) {
    this.rules = rules
    this.patterns = rules.patterns.length === 0 ? null : new Patterns(rules.patterns)
  }

  /** Without patterns all clients of a user have the same object. */
  rightsOf(subject: AclSubject): ClientRights {
    const user = this.known(subject)
    let section = this.sections.get(user)
    if (section === undefined) {
      section = this.section(subject)
      this.sections.set(user, section)
    }
    return this.patterns === null ? section : new PatternRights(section, this.patterns, subject)
  }

  /** The same for who need not be connected, asked for one retained message after the other. */
  rightsOfSource(subject: AclSubject): ClientRights {
    if (this.patterns === null) return this.rightsOf(subject)
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
    return this.patterns !== null && hasWildName(subject)
  }

  /** Users without a section are one: nobody may grow the table by inventing names. */
  private known({ username }: AclSubject): string | null {
    if (username === null) return null
    return this.rules.users.has(username) ? username : UNKNOWN_USER
  }

  private section({ username }: AclSubject): Rights {
    const { anonymous, users } = this.rules
    return rightsOfRules(username === null ? anonymous : (users.get(username) ?? []))
  }
}

const SOURCES_MAX = 1000

/** No section can have it: names are trimmed and not empty. */
const UNKNOWN_USER = ' '

/** Rights by rules that are the same for whoever has them. */
export function rightsOfRules(rules: readonly AclRule[]): Rights {
  return new Rights(denyFirst(rules).map((rule) => ({ filter: rule.filter, rule })))
}

function denyFirst(rules: readonly AclRule[]): AclRule[] {
  return [
    ...rules.filter(({ access }) => access === 'deny'),
    ...rules.filter(({ access }) => access !== 'deny'),
  ]
}
