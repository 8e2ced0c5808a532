/** The file of a broker that has none yet: an administrator, a user to try it with, and roles to begin with. */
import { closeSync, fchownSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AuthFileError, readAuthFile } from '../auth-file.ts'
import { parsePasswordHash } from '../password-hash.ts'
import {
  INITIAL_ACCESS,
  type AclType,
  type DynamicClient,
  type DynamicRole,
  type DynamicState,
} from './model.ts'
import { encodePassword, randomPassword } from './new-password.ts'
import { formatState } from './write-state.ts'

export interface FirstStart {
  readonly state: DynamicState
  /** For the log: where the passwords are. */
  readonly told: string
}

const ENVIRONMENT_NAME = 'MOSQUITTO_DYNSEC_PASSWORD'
const PASSWORD_CHARACTERS_MIN = 12

/**
 * Makes the file. Passwords go into FILE.pw and nowhere else, unless `passwordFile` or the environment has the
 * administrator's; then there is no other user.
 *
 * @throws AuthFileError
 */
export async function makeFirstState(
  file: string,
  passwordFile: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<FirstStart> {
  const given = givenPassword(passwordFile, environment)
  const passwords =
    given === null
      ? new Map([
          ['admin', randomPassword()],
          ['democlient', randomPassword()],
        ])
      : new Map([['admin', given.password]])
  const clients = new Map<string, DynamicClient>()
  for (const [username, password] of passwords)
    clients.set(username, await newClient(username, password))
  const state: DynamicState = {
    clients,
    groups: new Map([[UNAUTHENTICATED.groupname, UNAUTHENTICATED]]),
    roles: new Map(firstRoles().map((role) => [role.rolename, role])),
    access: INITIAL_ACCESS,
    anonymousGroup: UNAUTHENTICATED.groupname,
    changeIndex: 0,
  }
  const secrets = `${file}.pw`
  const lines = [...passwords].map(([username, password]) => `${username} ${password}\n`)
  if (given === null) {
    // Left by a first start that did not get further, or somebody's link.
    rmSync(secrets, { force: true })
    writeNew(secrets, lines.join(''))
  }
  writeNew(file, formatState(state))
  return {
    state,
    told:
      given?.told ?? `the passwords of ${[...passwords.keys()].join(' and ')} are in ${secrets}`,
  }
}

function givenPassword(
  passwordFile: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): { password: string; told: string } | null {
  if (passwordFile !== null) {
    const [line] = readAuthFile('password_init_file', passwordFile, true).text.split('\n')
    const password = line.trimEnd()
    if (password === '')
      throw new AuthFileError(`password_init_file ${passwordFile} is empty.`, passwordFile)
    return { password, told: `the password of admin is the one in ${passwordFile}` }
  }
  const password = environment[ENVIRONMENT_NAME]
  if (password === undefined) return null
  if (password.length < PASSWORD_CHARACTERS_MIN)
    throw new AuthFileError(
      `${ENVIRONMENT_NAME} must have at least ${PASSWORD_CHARACTERS_MIN} characters.`,
      ENVIRONMENT_NAME,
    )
  return { password, told: `the password of admin is that of ${ENVIRONMENT_NAME}` }
}

const ROLES_OF_FIRST: Readonly<Record<string, readonly string[]>> = {
  admin: ['super-admin', 'sys-observe', 'topic-observe'],
  democlient: ['client'],
}
const NAMES_OF_FIRST: Readonly<Record<string, string>> = {
  admin: 'Administrator',
  democlient: 'A client to try things with: it reads and writes every topic',
}

async function newClient(username: string, password: string): Promise<DynamicClient> {
  const encoded = await encodePassword(password)
  const hash = parsePasswordHash(encoded)
  return {
    username,
    clientid: null,
    textname: NAMES_OF_FIRST[username],
    textdescription: null,
    disabled: false,
    encoded,
    hash: typeof hash === 'string' ? null : hash,
    roles: ROLES_OF_FIRST[username].map((name) => ({ name, priority: -1 })),
  }
}

const UNAUTHENTICATED = {
  groupname: 'unauthenticated',
  textname: 'Clients without a user name',
  textdescription:
    'Its roles count for clients that come without a user name, where that is allowed.',
  roles: [],
  clients: [],
}

const ALL: readonly AclType[] = [
  'publishClientSend',
  'publishClientReceive',
  'subscribePattern',
  'unsubscribePattern',
]
const READING: readonly AclType[] = ['publishClientReceive', 'subscribePattern']

/** Name, what it is for, the topic of its rules, and their types. */
const ROLE_ROWS: readonly (readonly [string, string, string, readonly AclType[]])[] = [
  ['client', 'Reads and writes every topic of applications.', '#', ALL],
  ['broker-admin', 'Administers the broker.', '$CONTROL/broker/#', ALL],
  ['dynsec-admin', 'Administers clients, groups and roles.', '$CONTROL/dynamic-security/#', ALL],
  ['super-admin', 'Administers everything.', '$CONTROL/#', ALL],
  [
    'sys-notify',
    'Lets a bridge say whether it is connected.',
    '$SYS/broker/connection/%c/state',
    ['publishClientSend'],
  ],
  ['sys-observe', 'Reads $SYS.', '$SYS/#', READING],
  ['topic-observe', 'Reads every topic of applications.', '#', [...READING, 'unsubscribePattern']],
]

function firstRoles(): DynamicRole[] {
  return ROLE_ROWS.map(([rolename, textdescription, topic, types]) => ({
    rolename,
    textname: null,
    textdescription,
    allowwildcardsubs: true,
    acls: types.map((acltype) => ({ acltype, topic, priority: 0, allow: true })),
  }))
}

/** For its owner alone: whoever the directory belongs to, since root makes it for the account that runs the broker. */
function writeNew(file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600)
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
      if (process.geteuid?.() !== 0) return
      const { uid, gid } = statSync(dirname(file))
      fchownSync(descriptor, uid, gid)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw new AuthFileError(`Cannot write ${file}: ${(error as Error).message}.`, file)
  }
}
