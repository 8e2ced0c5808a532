/**
 * A state as lines that each say one thing of it; what makes another state of it is lines of the same kinds. So a change
 * is as short as what it changes, and what is long is written and read a line at a time.
 *
 *     {"role":{…}}, {"client":{…}}                 it is so from now on, as the file has it
 *     {"group":{…}}                                the same, but for its members
 *     {"members":{"of":"g","in":[…],"out":[…]}}    more and fewer of them
 *     {"gone":{"client":"a"}}
 *     {"rest":{…}}                                 what is no list
 */
import { AuthFileError } from '../auth-file.ts'
import { fieldOf, isObject, numberOf, textOf, type JsonObject } from '../json-fields.ts'
import {
  INITIAL_ACCESS,
  type DynamicClient,
  type DynamicGroup,
  type DynamicRole,
  type DynamicState,
  type Link,
} from './model.ts'
import {
  readAccess,
  readClient,
  readGroup,
  readLinks,
  readRole,
  type Reading,
} from './read-state.ts'
import { writeClient, writeGroup, writeLinks, writeRole } from './write-state.ts'

/** A group of everybody is read piece by piece, too. */
const MEMBERS_PER_LINE = 500

/** Of what comes before the first line. */
export const NO_STATE: DynamicState = {
  clients: new Map(),
  groups: new Map(),
  roles: new Map(),
  access: INITIAL_ACCESS,
  anonymousGroup: null,
  changeIndex: 0,
}

/** What makes `after` of `before`; each ends in a line feed. All of a state: what makes it of {@link NO_STATE}. */
export function* linesBetween(before: DynamicState, after: DynamicState): Generator<string> {
  for (const role of others(before.roles, after.roles)) yield line({ role: writeRole(role) })
  for (const client of others(before.clients, after.clients))
    yield line({ client: writeClient(client) })
  for (const group of others(before.groups, after.groups)) {
    const old = before.groups.get(group.groupname)
    yield line({ group: writeGroup({ ...group, clients: [] }) })
    yield* memberLines(group.groupname, old?.clients ?? [], group.clients)
  }
  for (const group of missing(before.groups, after.groups)) yield line({ gone: { group } })
  for (const client of missing(before.clients, after.clients)) yield line({ gone: { client } })
  for (const role of missing(before.roles, after.roles)) yield line({ gone: { role } })
  const { access: defaultACLAccess, anonymousGroup, changeIndex } = after
  yield line({ rest: { defaultACLAccess, anonymousGroup, changeIndex } })
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

type Entries<T> = ReadonlyMap<string, T>

/** Entries are never changed in place. */
function* others<T>(before: Entries<T>, after: Entries<T>): Generator<T> {
  for (const [name, entry] of after) if (before.get(name) !== entry) yield entry
}

function* missing(before: Entries<unknown>, after: Entries<unknown>): Generator<string> {
  for (const name of before.keys()) if (!after.has(name)) yield name
}

function* memberLines(
  of: string,
  before: readonly Link[],
  after: readonly Link[],
): Generator<string> {
  if (before === after) return
  const out = new Map(before.map(({ name, priority }) => [name, priority]))
  const come: Link[] = []
  for (const link of after) {
    if (out.get(link.name) !== link.priority) come.push(link)
    out.delete(link.name)
  }
  if (out.size > 0) yield line({ members: { of, in: [], out: [...out.keys()] } })
  for (let at = 0; at < come.length; at += MEMBERS_PER_LINE) {
    const some = writeLinks(come.slice(at, at + MEMBERS_PER_LINE), 'username')
    yield line({ members: { of, in: some, out: [] } })
  }
}

/** The state that lines make of another one, which stays as it is. */
export class StateReader {
  private readonly reading: Reading
  private readonly from: DynamicState
  private state: DynamicState

  /** `source`: where they come from, for errors. */
  constructor(from: DynamicState, source: string) {
    this.from = this.state = from
    this.reading = { file: source, warnings: [] }
  }

  /** Of all lines so far. */
  get result(): DynamicState {
    return this.state
  }

  /** @throws AuthFileError for what is no such line. */
  take(text: string): void {
    const said: unknown = JSON.parse(text)
    const [kind, body]: unknown[] = isObject(said) ? (Object.entries(said)[0] ?? []) : []
    if (!isObject(body)) throw this.wrong(text)
    switch (kind) {
      case 'role':
        return this.set('roles', body, 'rolename', (name) => this.roleOf(name, body))
      case 'client':
        return this.set('clients', body, 'username', (name) => this.clientOf(name, body))
      case 'group':
        return this.set('groups', body, 'groupname', (name) => this.groupOf(name, body))
      case 'members':
        return this.changeMembers(body)
      case 'gone':
        return this.remove(body)
      case 'rest':
        this.state = { ...this.state, ...restOf(body) }
        return
      default:
        throw this.wrong(text)
    }
  }

  private roleOf(name: string, role: JsonObject): DynamicRole {
    return readRole(this.reading.file, role, name, name)
  }

  private clientOf(name: string, client: JsonObject): DynamicClient {
    return readClient(this.reading, client, name, name, this.state.roles)
  }

  private groupOf(name: string, group: JsonObject): DynamicGroup {
    const { roles, clients, groups } = this.state
    const read = readGroup(this.reading, group, name, name, roles, clients)
    return { ...read, clients: groups.get(name)?.clients ?? [] }
  }

  private wrong(text: string): AuthFileError {
    const { file } = this.reading
    return new AuthFileError(
      `${file}: a line says nothing that is known: ${text.slice(0, 40)}`,
      file,
    )
  }

  private set<Kind extends 'clients' | 'groups' | 'roles'>(
    kind: Kind,
    entry: JsonObject,
    nameKey: string,
    read: (name: string) => EntryOf<Kind>,
  ): void {
    const name = textOf(entry, nameKey) ?? ''
    this.own<Kind>(kind).set(name, read(name))
  }

  /** A copy, from its first change on: whoever keeps something by the map of before may go on with it. */
  private own<Kind extends 'clients' | 'groups' | 'roles'>(kind: Kind): Map<string, EntryOf<Kind>> {
    if (this.state[kind] === this.from[kind])
      this.state = { ...this.state, [kind]: new Map<string, unknown>(this.from[kind]) }
    return this.state[kind] as unknown as Map<string, EntryOf<Kind>>
  }

  private changeMembers(members: JsonObject): void {
    const { clients, groups } = this.state
    const name = textOf(members, 'of') ?? ''
    const group = groups.get(name)
    if (group === undefined) throw this.wrong(`members of ${name}`)
    const come = readLinks(this.reading, members, 'in', 'username', name, clients)
    const out = fieldOf(members, 'out')
    const changed = new Set<unknown>(Array.isArray(out) ? out : [])
    for (const link of come) changed.add(link.name)
    const stay = group.clients.filter((link) => !changed.has(link.name))
    this.own<'groups'>('groups').set(name, { ...group, clients: [...stay, ...come] })
  }

  private remove(gone: JsonObject): void {
    const [client, group, role] = ['client', 'group', 'role'].map((key) => textOf(gone, key))
    if (client !== null) this.own<'clients'>('clients').delete(client)
    if (group !== null) this.own<'groups'>('groups').delete(group)
    if (role !== null) this.own<'roles'>('roles').delete(role)
  }
}

type EntryOf<Kind extends 'clients' | 'groups' | 'roles'> =
  DynamicState[Kind] extends ReadonlyMap<string, infer Entry> ? Entry : never

function restOf(rest: JsonObject): Pick<DynamicState, 'access' | 'anonymousGroup' | 'changeIndex'> {
  return {
    access: readAccess(rest),
    anonymousGroup: textOf(rest, 'anonymousGroup'),
    changeIndex: numberOf(rest, 'changeIndex', 0),
  }
}
