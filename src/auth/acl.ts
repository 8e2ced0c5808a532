/** Rights of clients, made of the rules of an ACL file. */
import { hasWildcard, parseShared } from '../topics/names.ts'
import { coversLevels, overlapsLevels } from '../topics/overlap.ts'
import type { AclRule, AclRules } from './acl-file.ts'
import { filledLevels, hasWildName, levelOf, type AclSubject } from './placeholders.ts'
import { PatternTree } from './pattern-tree.ts'
import { Decisions, RuleIndex } from './rule-index.ts'
import { KEPT_CHARACTERS_MAX } from './short-key.ts'

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
  /** Made when it is asked for the first time. */
  private cut: readonly ReadingRule[] | null = null

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
    return this.hopeOf(plain) ?? false
  }

  /** The same of a filter with wildcards, for rules behind which others are asked; null: these say nothing. */
  hopeOf(plain: string): boolean | null {
    this.cut ??= readingRules(this.rules.map(({ filter, rule }) => ({ ...rule, filter })))
    return hopeBy(this.cut, plain.split('/'), null)
  }
}

/** A rule that decides about reading, its filter cut into levels. */
interface ReadingRule {
  readonly levels: readonly string[]
  readonly denies: boolean
}

function readingRules(rules: readonly Pick<AclRule, 'access' | 'filter'>[]): ReadingRule[] {
  return rules
    .filter(({ access }) => access !== 'write')
    .map(({ access, filter }) => ({ levels: filter.split('/'), denies: access === 'deny' }))
}

/** null: none of the rules is about it. @param subject Whose names are in placeholders; null: there are none. */
function hopeBy(
  rules: readonly ReadingRule[],
  plain: readonly string[],
  subject: AclSubject | null,
): boolean | null {
  const user = subject === null ? '%u' : levelOf(subject.username)
  const id = subject === null ? '%c' : levelOf(subject.clientId)
  for (const { levels, denies } of rules) {
    // Most end here: a client may ask for thousands of filters, and rules are many.
    if (!mayMeet(levels, plain, user, id)) continue
    const own = subject === null ? levels : filledLevels(levels, subject)
    if (own === null) continue
    if (!denies && overlapsLevels(own, plain)) return true
    // What an earlier rule denies no later one allows.
    if (denies && coversLevels(own, plain)) return false
  }
  return null
}

/** Whether, level by level, a rule and a filter can have a topic in common; `user` and `id` stand in placeholders. */
function mayMeet(
  own: readonly string[],
  asked: readonly string[],
  user: string | null,
  id: string | null,
): boolean {
  for (let level = 0; level < own.length && level < asked.length; level++) {
    const mine = own[level] === '%u' ? user : own[level] === '%c' ? id : own[level]
    const theirs = asked[level]
    if (mine === null) return false
    if (mine === '#' || theirs === '#') return true
    if (mine !== theirs && mine !== '+' && theirs !== '+') return false
  }
  return true
}

/** The patterns of a file, in the order in which they decide. */
class Patterns {
  readonly readers: PatternTree
  readonly writers: PatternTree
  private readonly rules: readonly AclRule[]
  private cut: readonly ReadingRule[] | null = null

  constructor(rules: readonly AclRule[]) {
    this.rules = denyFirst(rules)
    this.readers = new PatternTree(this.rules.filter(({ access }) => access !== 'write'))
    this.writers = new PatternTree(this.rules.filter(({ access }) => access !== 'read'))
  }

  /** As of {@link Rights}, with the client's own names in those that can have them. */
  hopeOf(plain: string, subject: AclSubject): boolean | null {
    if (hasWildName(subject)) return null
    this.cut ??= readingRules(this.rules)
    return hopeBy(this.cut, plain.split('/'), subject)
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
    return this.section.hopeOf(plain) ?? this.patterns.hopeOf(plain, this.subject) ?? false
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
    const { username, clientId } = subject
    const isLong = clientId.length + (username?.length ?? 0) > KEPT_CHARACTERS_MAX
    if (this.patterns === null || isLong) return this.rightsOf(subject)
    const key = JSON.stringify([username, clientId])
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
