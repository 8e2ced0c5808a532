/** `mozzie ctrl dynsec init` and `-f`: the file itself, without a broker. */
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { encodePassword } from '../../auth/dynamic/new-password.ts'
import { readState } from '../../auth/dynamic/read-state.ts'
import { formatState } from '../../auth/dynamic/write-state.ts'
import { replaceFile } from '../../auth/replace-file.ts'
import { CtrlUsageError, operands } from './command.ts'
import { CtrlError } from './link.ts'

const FILE_MODE = 0o640
const FAILED_EXIT_CODE = 10

const ADMIN_RULES: readonly (readonly [string, string])[] = [
  ['publishClientSend', '$CONTROL/dynamic-security/#'],
  ['publishClientReceive', '$CONTROL/dynamic-security/#'],
  ['subscribePattern', '$CONTROL/dynamic-security/#'],
  ['publishClientReceive', '$SYS/#'],
  ['subscribePattern', '$SYS/#'],
  ['publishClientReceive', '#'],
  ['subscribePattern', '#'],
  ['unsubscribePattern', '#'],
]

/** Makes a file with one administrator. @throws CtrlUsageError, CtrlError; a file that is there stays as it is. */
export async function initFile(
  words: readonly string[],
  askPassword: () => Promise<string>,
): Promise<string[]> {
  const { file, username, password } = operands(words, 'file', 'username', 'password?')
  const encoded = await encodePassword(password ?? (await askPassword()))
  const role = {
    rolename: 'admin',
    acls: ADMIN_RULES.map(([acltype, topic]) => ({ acltype, topic, allow: true })),
  }
  const client = {
    username,
    textname: 'Administrator of dynamic security',
    roles: [{ rolename: 'admin' }],
    encoded_password: encoded,
  }
  const { state } = readState(JSON.stringify({ clients: [client], roles: [role] }), file)
  writeNew(file, formatState(state))
  return [
    `The client '${username}' has been created in the file '${file}'.`,
    'It may administer users, groups and roles, and read everything; it may not publish.',
    'Make the clients of your applications with it:',
    '   mozzie ctrl <connect options> dynsec createClient <username>',
    '   mozzie ctrl <connect options> dynsec createRole <rolename>',
    '   mozzie ctrl <connect options> dynsec addRoleACL <rolename> publishClientSend my/topic allow',
    '   mozzie ctrl <connect options> dynsec addClientRole <username> <rolename>',
  ]
}

function writeNew(file: string, text: string): void {
  let descriptor = -1
  try {
    descriptor = openSync(file, 'wx', FILE_MODE)
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } catch (error) {
    // Half a file would be in the way of the next attempt.
    if (descriptor >= 0) rmSync(file, { force: true })
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' ? 'already exists. Remove the file or use a different location.' : message
    throw new CtrlError(`dynsec init: '${file}' ${why}`, FAILED_EXIT_CODE)
  } finally {
    if (descriptor >= 0) closeSync(descriptor)
  }
}

/** `-f FILE`: sets a password while no broker has the file. @throws CtrlUsageError, CtrlError */
export async function changeFile(
  file: string,
  command: string,
  words: readonly string[],
  askPassword: () => Promise<string>,
): Promise<void> {
  if (command.toLowerCase() !== 'setclientpassword')
    throw new CtrlUsageError('with -f FILE only setClientPassword is possible')
  const { username, password } = operands(words, 'username', 'password?')
  const { state } = readState(readFileSync(file, 'utf8'), file)
  const client = state.clients.get(username)
  if (client === undefined)
    throw new CtrlError('setClientPassword: Error: Client not found', FAILED_EXIT_CODE)
  const encoded = await encodePassword(password ?? (await askPassword()))
  const clients = new Map(state.clients).set(username, { ...client, encoded, hash: null })
  await replaceFile(file, formatState({ ...state, clients }))
}
