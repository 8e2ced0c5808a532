/**
 * What a client may do by its roles. They are asked in this order, and the first rule that fits decides:
 *
 *     the client's roles, the highest priority first
 *     the roles of its groups, the groups by priority, in each the roles by priority
 *         in a role: of a subscription its literals; then the rules by priority
 *     the default access, which never opens `$CONTROL`
 */
import { hasWildcard, parseShared } from '../../topics/names.ts'
import { coversLevels } from '../../topics/overlap.ts'
import type { AclRule } from '../acl-file.ts'
import { filledFilter, filledWidely, hasPlaceholder, type AclSubject } from '../placeholders.ts'
import { RuleIndex } from '../rule-index.ts'
import {
  compareLinks,
  DEFAULT_TYPES,
  settledGroupsOf,
  type AclType,
  type DefaultType,
  type DynamicRole,
  type DynamicState,
  type Link,
  type RoleAcl,
} from './model.ts'
import { sortedAcls } from './write-state.ts'

/** A rule of a role, with whom it came from. */
export interface RoleRule extends AclRule {
  readonly rolename: string | null
  /** The group that brought the role; null: the client has it itself. */
  readonly groupname: string | null
}

interface HeldRole {
  readonly role: DynamicRole
  readonly groupname: string | null
}

interface PlacedRule {
  readonly filter: string
  /** Of its filter, where filters are judged by it. */
  readonly levels: readonly string[]
  readonly rule: RoleRule
}

const NO_LEVELS: readonly string[] = []

/** Of one role, for one of subscribing and unsubscribing. */
interface FilterRules {
  readonly literals: ReadonlyMap<string, RoleRule>
  readonly patterns: readonly PlacedRule[]
  /** What answers a filter with a wildcard that no literal knows; null: the patterns. */
  readonly wildcards: RoleRule | null
}

/** The roles of a client in the order in which they count; null: nobody knows this user here. */
export function rolesOf(state: DynamicState, username: string | null): HeldRole[] | null {
  const held = (links: readonly Link[], groupname: string | null): HeldRole[] =>
    [...links].sort(compareLinks).flatMap(({ name }) => {
      const role = state.roles.get(name)
      return role === undefined ? [] : [{ role, groupname }]
    })
  const ofGroup = (groupname: string): HeldRole[] =>
    held(state.groups.get(groupname)?.roles ?? [], groupname)
  if (username === null) return state.anonymousGroup === null ? [] : ofGroup(state.anonymousGroup)
  const client = state.clients.get(username)
  if (client === undefined) return null
  return [
    ...held(client.roles, null),
    ...settledGroupsOf(state, username).flatMap(({ name }) => ofGroup(name)),
  ]
}

const CONTROL_PREFIX = '$CONTROL'

/** null where the roles and the default access say nothing: then others are asked, and at last it is denied. */
export class RoleRights {
  /** Whether a client's own id counts: then no other has the same rights. */
  readonly isPersonal: boolean
  private readonly senders: RuleIndex
  private readonly receivers: RuleIndex
  private readonly subscribing: readonly FilterRules[]
  private readonly unsubscribing: readonly FilterRules[]
  private readonly defaults: Readonly<Record<DefaultType, AclRule | null>>

  constructor(state: DynamicState, subject: AclSubject) {
    const roles = rolesOf(state, subject.username)
    const held = roles ?? []
    const all = (type: AclType): PlacedRule[] => held.flatMap((each) => placed(each, type, subject))
    this.isPersonal = held.some(({ role }) => role.acls.some(({ topic }) => hasPlaceholder(topic)))
    this.senders = new RuleIndex(all('publishClientSend'))
    this.receivers = new RuleIndex(all('publishClientReceive'))
    this.subscribing = held.map((each) =>
      filterRules(each, subject, 'subscribeLiteral', 'subscribePattern'),
    )
    this.unsubscribing = held.map((each) =>
      filterRules(each, subject, 'unsubscribeLiteral', 'unsubscribePattern'),
    )
    const pairs = DEFAULT_TYPES.map((type) => [
      type,
      roles !== null && state.access[type] ? defaultRule(type) : null,
    ])
    this.defaults = Object.fromEntries(pairs) as Record<DefaultType, AclRule | null>
  }

  readRule(topic: string): AclRule | null {
    return this.receivers.decide(topic) ?? this.byDefault('publishClientReceive', topic)
  }

  writeRule(topic: string): AclRule | null {
    return this.senders.decide(topic) ?? this.byDefault('publishClientSend', topic)
  }

  subscribeRule(filter: string): AclRule | null {
    return this.ofFilter(this.subscribing, 'subscribe', filter)
  }

  unsubscribeRule(filter: string): AclRule | null {
    return this.ofFilter(this.unsubscribing, 'unsubscribe', filter)
  }

  /** A shared subscription may be named as a whole; where no rule does, it is what it would be without its group. */
  private ofFilter(
    rules: readonly FilterRules[],
    type: DefaultType,
    filter: string,
  ): AclRule | null {
    const plain = parseShared(filter)?.filter ?? filter
    const whole = decide(rules, filter)
    return whole ?? (plain === filter ? null : decide(rules, plain)) ?? this.byDefault(type, plain)
  }

  private byDefault(type: DefaultType, topic: string): AclRule | null {
    return topic.startsWith(CONTROL_PREFIX) ? null : this.defaults[type]
  }
}

function decide(rules: readonly FilterRules[], filter: string): RoleRule | null {
  const isWild = hasWildcard(filter)
  const asked = filter.split('/')
  for (const { literals, patterns, wildcards } of rules) {
    const literal = literals.get(filter)
    if (literal !== undefined) return literal
    if (isWild && wildcards !== null) return wildcards
    for (const { levels, rule } of patterns) if (coversLevels(levels, asked)) return rule
  }
  return null
}

function filterRules(
  held: HeldRole,
  subject: AclSubject,
  literal: AclType,
  pattern: AclType,
): FilterRules {
  const { role, groupname } = held
  const literals = role.acls.filter(({ acltype }) => acltype === literal)
  const noWildcards = {
    access: 'deny' as const,
    filter: '#',
    place: `${nameOf(held)} allows no wildcards in subscriptions`,
    rolename: role.rolename,
    groupname,
  }
  const isFree = role.allowwildcardsubs || literal !== 'subscribeLiteral'
  return {
    literals: new Map(literals.map((acl) => [acl.topic, ruleOf(held, acl)])),
    patterns: placed(held, pattern, subject),
    wildcards: isFree ? null : noWildcards,
  }
}

/** The rules of one type with the client's names in them, in the order in which they are asked. */
function placed(held: HeldRole, type: AclType, subject: AclSubject): PlacedRule[] {
  const rules: PlacedRule[] = []
  for (const unplaced of rulesOf(held, type)) {
    if (!unplaced.isPersonal) rules.push(unplaced)
    else {
      const filter = filterOf(unplaced.rule, subject)
      if (filter !== null)
        rules.push({ filter, levels: levelsOf(type, filter), rule: unplaced.rule })
    }
  }
  return rules
}

function levelsOf(type: AclType, filter: string): readonly string[] {
  return type.endsWith('Pattern') ? filter.split('/') : NO_LEVELS
}

interface UnplacedRule extends PlacedRule {
  /** It has placeholders: what is in `filter` is not a filter yet. */
  readonly isPersonal: boolean
}

/** What is the same for all clients that have a role by the same group, for as long as the role is as it is. */
const unplacedRules = new WeakMap<DynamicRole, Map<string, readonly UnplacedRule[]>>()

/** A role comes by few groups; of many, the next ones make it anew. */
const KINDS_MAX = 1000

function rulesOf(held: HeldRole, type: AclType): readonly UnplacedRule[] {
  const { role, groupname } = held
  const ofRole = unplacedRules.get(role) ?? new Map<string, readonly UnplacedRule[]>()
  unplacedRules.set(role, ofRole)
  const key = groupname === null ? type : `${type} ${groupname}`
  const known = ofRole.get(key)
  if (known !== undefined) return known
  const rules = sortedAcls(role.acls)
    .filter(({ acltype }) => acltype === type)
    .map((acl) => ({
      filter: acl.topic,
      levels: levelsOf(type, acl.topic),
      rule: ruleOf(held, acl),
      isPersonal: hasPlaceholder(acl.topic),
    }))
  if (ofRole.size >= KINDS_MAX) ofRole.clear()
  ofRole.set(key, rules)
  return rules
}

function filterOf({ filter, access }: RoleRule, subject: AclSubject): string | null {
  return access === 'deny' ? filledWidely(filter, subject) : filledFilter(filter, subject)
}

function ruleOf(held: HeldRole, { acltype, topic, priority, allow }: RoleAcl): RoleRule {
  const verb = allow ? 'allow' : 'deny'
  return {
    access: allow ? 'readwrite' : 'deny',
    filter: topic,
    place: `${nameOf(held)}: ${acltype} ${topic} ${verb}, priority ${priority}`,
    rolename: held.role.rolename,
    groupname: held.groupname,
  }
}

function nameOf({ role, groupname }: HeldRole): string {
  const through = groupname === null ? '' : ` of group "${groupname}"`
  return `role "${role.rolename}"${through}`
}

function defaultRule(type: DefaultType): RoleRule {
  return {
    access: 'readwrite',
    filter: '#',
    place: `default access ${type} allow`,
    rolename: null,
    groupname: null,
  }
}
