/** Writes what `read-state.ts` reads, for mosquitto 2.0 and 2.1 alike. */
import {
  ACL_TYPES,
  compareLinks,
  sortedNames,
  type DynamicClient,
  type DynamicGroup,
  type DynamicRole,
  type DynamicState,
  type Link,
  type RoleAcl,
} from './model.ts'

/** The text of the file. */
export function formatState(state: DynamicState): string {
  return [...piecesOf(state)].join('')
}

/** The same in pieces, of an entry each: who writes many may let others in between. */
export function* piecesOf(state: DynamicState): Generator<string> {
  yield `{\n\t"defaultACLAccess": ${indented(state.access, 1)}`
  yield* listPieces('clients', state.clients, writeClient)
  yield* listPieces('groups', state.groups, writeGroup)
  yield* listPieces('roles', state.roles, writeRole)
  const { anonymousGroup, changeIndex } = state
  if (anonymousGroup !== null) yield `,\n\t"anonymousGroup": ${JSON.stringify(anonymousGroup)}`
  yield `,\n\t"changeIndex": ${changeIndex}\n}\n`
}

function* listPieces<T>(
  key: string,
  map: ReadonlyMap<string, T>,
  write: (entry: T) => object,
): Generator<string> {
  yield `,\n\t"${key}": [`
  let start = ''
  for (const name of sortedNames(map)) {
    yield `${start}\n\t\t${indented(write(map.get(name) as T), 2)}`
    start = ','
  }
  yield map.size === 0 ? ']' : '\n\t]'
}

function indented(value: object, depth: number): string {
  return JSON.stringify(value, null, '\t').replaceAll('\n', `\n${'\t'.repeat(depth)}`)
}

export function writeClient(client: DynamicClient) {
  return {
    username: client.username,
    ...(client.clientid === null ? {} : { clientid: client.clientid }),
    ...writeTexts(client),
    ...(client.disabled ? { disabled: true } : {}),
    roles: writeLinks(client.roles, 'rolename'),
    ...writePassword(client),
  }
}

/** In both forms: 2.0 knows only the older one, 2.1 prefers the newer. */
function writePassword({ encoded }: DynamicClient) {
  if (encoded === null) return {}
  const [before, scheme, iterations, salt, password] = encoded.split('$')
  const isOld = before === '' && scheme === '7' && password !== undefined
  const parts = isOld ? { password, salt, iterations: Number(iterations) } : {}
  return { encoded_password: encoded, ...parts }
}

export function writeGroup(group: DynamicGroup) {
  return {
    groupname: group.groupname,
    ...writeTexts(group),
    roles: writeLinks(group.roles, 'rolename'),
    clients: writeLinks(group.clients, 'username'),
  }
}

/** A role, as the file and the answers to commands have it. */
export function writeRole(role: DynamicRole) {
  return {
    rolename: role.rolename,
    ...writeTexts(role),
    allowwildcardsubs: role.allowwildcardsubs,
    acls: sortedAcls(role.acls),
  }
}

/** By type, then as they are asked. */
export function sortedAcls(acls: readonly RoleAcl[]): RoleAcl[] {
  return ACL_TYPES.flatMap((type) =>
    acls
      .filter(({ acltype }) => acltype === type)
      .sort((left, right) => right.priority - left.priority),
  )
}

export function writeTexts({
  textname,
  textdescription,
}: Pick<DynamicClient, 'textname' | 'textdescription'>) {
  return {
    ...(textname === null ? {} : { textname }),
    ...(textdescription === null ? {} : { textdescription }),
  }
}

/** Links as objects whose name has the key `key`. */
export function writeLinks(links: readonly Link[], key: string): Record<string, string | number>[] {
  return [...links].sort(compareLinks).map(({ name, priority }) => ({ [key]: name, priority }))
}
