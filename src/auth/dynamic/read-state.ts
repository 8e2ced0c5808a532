/** Reads the file of mosquitto's dynamic security: strict about its shape, so that nothing is lost by saving it again. */
import { topicFilterProblem } from '../../topics/names.ts'
import { AuthFileError } from '../auth-file.ts'
import { parsePasswordHash, type PasswordHash } from '../password-hash.ts'
import { fieldOf, flagOf, isObject, numberOf, textOf, type JsonObject } from '../json-fields.ts'
import {
  aclTypeOf,
  boundedPriority,
  DEFAULT_TYPES,
  INITIAL_ACCESS,
  type DefaultAccess,
  type DynamicClient,
  type DynamicGroup,
  type DynamicRole,
  type DynamicState,
  type Link,
  type RoleAcl,
} from './model.ts'

export interface ReadState {
  readonly state: DynamicState
  /** What its owner should know. */
  readonly warnings: readonly string[]
}

export interface Reading {
  readonly file: string
  readonly warnings: string[]
}

/** @throws AuthFileError with the line, or the path of the field, that is wrong. */
export function readState(text: string, file: string): ReadState {
  const reading: Reading = { file, warnings: [] }
  const root = parseJson(text, file)
  if (!isObject(root)) throw new AuthFileError('The file must hold one JSON object', file, 1)
  const roles = entries(reading, root, 'roles', 'rolename', (entry, name, place) =>
    readRole(file, entry, name, place),
  )
  const clients = entries(reading, root, 'clients', 'username', (entry, name, place) =>
    readClient(reading, entry, name, place, roles),
  )
  const groups = entries(reading, root, 'groups', 'groupname', (entry, name, place) =>
    readGroup(reading, entry, name, place, roles, clients),
  )
  const anonymous = textOf(root, 'anonymousGroup')
  const isKnown = anonymous !== null && groups.has(anonymous)
  if (anonymous !== null && !isKnown)
    reading.warnings.push(`${file}: the anonymous group "${anonymous}" does not exist.`)
  const state: DynamicState = {
    clients,
    groups,
    roles,
    access: readAccess(root),
    anonymousGroup: isKnown ? anonymous : null,
    changeIndex: Math.max(0, Math.trunc(numberOf(root, 'changeIndex', 0))),
  }
  return { state, warnings: reading.warnings }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const message = (error as Error).message
    if (text.trim() === '') throw new AuthFileError('The file is empty', file, 1)
    const at = /position (\d+)/.exec(message)
    const before = at === null ? text : text.slice(0, Number(at[1]))
    throw new AuthFileError(`This is no JSON: ${message}`, file, before.split('\n').length)
  }
}

function damaged(file: string, place: string, what: string): AuthFileError {
  return new AuthFileError(`${file}: ${place} ${what}`, file)
}

/** The named things of a list of the file; of two of one name the first counts, as in mosquitto. */
function entries<T>(
  { file, warnings }: Reading,
  root: JsonObject,
  key: 'clients' | 'groups' | 'roles',
  nameKey: string,
  read: (entry: JsonObject, name: string, place: string) => T,
): Map<string, T> {
  const found = new Map<string, T>()
  const list = fieldOf(root, key)
  if (list === undefined) return found
  if (!Array.isArray(list)) throw damaged(file, key, 'is no list')
  for (const [index, entry] of list.entries()) {
    const place = `${key}[${index}]`
    if (!isObject(entry)) throw damaged(file, place, 'is no object')
    const name = textOf(entry, nameKey)
    if (name === null || name === '') throw damaged(file, place, `has no "${nameKey}"`)
    if (found.has(name)) warnings.push(`${file}: "${name}" is twice in ${key}; the first counts.`)
    else found.set(name, read(entry, name, place))
  }
  return found
}

function described(entry: JsonObject) {
  return {
    textname: textOf(entry, 'textname'),
    textdescription: textOf(entry, 'textdescription'),
  }
}

export function readClient(
  reading: Reading,
  entry: JsonObject,
  username: string,
  place: string,
  roles: ReadonlyMap<string, DynamicRole>,
): DynamicClient {
  const encoded = encodedOf(entry)
  const hash: PasswordHash | string | null = encoded === null ? null : parsePasswordHash(encoded)
  if (typeof hash === 'string')
    reading.warnings.push(`${reading.file}: user "${username}" cannot log in: ${hash}.`)
  return {
    username,
    clientid: textOf(entry, 'clientid') || null,
    ...described(entry),
    disabled: flagOf(entry, 'disabled', false),
    encoded,
    hash: typeof hash === 'string' ? null : hash,
    roles: readLinks(reading, entry, 'roles', 'rolename', place, roles),
  }
}

/** mosquitto before 2.1 has the parts of a PBKDF2 hash in fields of their own. */
function encodedOf(entry: JsonObject): string | null {
  const encoded = textOf(entry, 'encoded_password')
  if (encoded !== null) return encoded
  const [salt, hash] = [textOf(entry, 'salt'), textOf(entry, 'password')]
  const iterations = numberOf(entry, 'iterations', 0)
  return salt === null || hash === null ? null : `$7$${iterations}$${salt}$${hash}`
}

export function readGroup(
  reading: Reading,
  entry: JsonObject,
  groupname: string,
  place: string,
  roles: ReadonlyMap<string, DynamicRole>,
  clients: ReadonlyMap<string, DynamicClient>,
): DynamicGroup {
  return {
    groupname,
    ...described(entry),
    roles: readLinks(reading, entry, 'roles', 'rolename', place, roles),
    clients: readLinks(reading, entry, 'clients', 'username', place, clients),
  }
}

export function readLinks(
  { file, warnings }: Reading,
  entry: JsonObject,
  key: string,
  nameKey: string,
  place: string,
  known: ReadonlyMap<string, unknown>,
): Link[] {
  const list = fieldOf(entry, key)
  if (list === undefined) return []
  if (!Array.isArray(list)) throw damaged(file, `${place}.${key}`, 'is no list')
  const links = new Map<string, Link>()
  for (const [index, item] of list.entries()) {
    const name = isObject(item) ? textOf(item, nameKey) : null
    if (name === null) throw damaged(file, `${place}.${key}[${index}]`, `has no "${nameKey}"`)
    if (!known.has(name))
      warnings.push(`${file}: ${place} names "${name}", which is not in the file; it is left out.`)
    else if (!links.has(name))
      links.set(name, {
        name,
        priority: boundedPriority(numberOf(item as JsonObject, 'priority', -1)),
      })
  }
  return [...links.values()]
}

export function readRole(
  file: string,
  entry: JsonObject,
  rolename: string,
  place: string,
): DynamicRole {
  return {
    rolename,
    ...described(entry),
    allowwildcardsubs: flagOf(entry, 'allowwildcardsubs', true),
    acls: readAcls(fieldOf(entry, 'acls'), (index, what) => {
      throw damaged(file, `${place}.acls[${index}]`, what)
    }),
  }
}

/**
 * The rules of a list; of two of one type and topic the first counts.
 *
 * @param wrong Told of an entry that is none; what it does not throw for is left out.
 */
export function readAcls(list: unknown, wrong: (index: number, what: string) => void): RoleAcl[] {
  const acls = new Map<string, RoleAcl>()
  if (!Array.isArray(list)) return []
  for (const [index, item] of list.entries()) {
    const acltype = isObject(item) ? aclTypeOf(textOf(item, 'acltype') ?? '') : null
    const topic = isObject(item) ? textOf(item, 'topic') : null
    if (acltype === null) wrong(index, 'has no "acltype" that there is')
    else if (topic === null || topicFilterProblem(topic) !== null)
      wrong(index, 'has no "topic" that is a filter')
    else if (!acls.has(`${acltype} ${topic}`)) {
      const priority = boundedPriority(numberOf(item as JsonObject, 'priority', 0))
      const allow = flagOf(item as JsonObject, 'allow', false)
      acls.set(`${acltype} ${topic}`, { acltype, topic, priority, allow })
    }
  }
  return [...acls.values()]
}

export function readAccess(root: JsonObject): DefaultAccess {
  const written = fieldOf(root, 'defaultACLAccess')
  if (!isObject(written)) return INITIAL_ACCESS
  const pairs = DEFAULT_TYPES.map((type) => [type, flagOf(written, type, INITIAL_ACCESS[type])])
  return Object.fromEntries(pairs) as DefaultAccess
}
