/** `mozzie ctrl dynsec`: users, groups and roles. */
import {
  CtrlUsageError,
  nothing,
  operands,
  present,
  shown,
  wholeNumber,
  type CtrlCommand,
  type CtrlModule,
} from './command.ts'
import { printAccess, printAcls, printGroup, printLinks, printNames } from './print-dynsec.ts'

const ACL_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribeLiteral',
  'subscribePattern',
  'unsubscribeLiteral',
  'unsubscribePattern',
]
const DEFAULT_TYPES = ['publishClientSend', 'publishClientReceive', 'subscribe', 'unsubscribe']

/** A command whose operands are its arguments. */
function plain(
  name: string,
  usage: string,
  summary: string,
  keys: readonly string[],
  print: CtrlCommand['print'] = nothing,
): CtrlCommand {
  return {
    name,
    usage,
    summary,
    build(words) {
      const { priority, count, offset, ...named } = operands(words, ...keys)
      return present({
        ...named,
        priority: wholeNumber(priority, 'PRIORITY'),
        count: aboveZero(wholeNumber(count, 'COUNT')),
        offset: aboveZero(wholeNumber(offset, 'OFFSET')),
      })
    },
    print,
  }
}

/** As mosquitto_ctrl has it, which asks for all names where COUNT is 0; the broker would list one. */
function aboveZero(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}

const PAGE = ['count?', 'offset?']

const createClient: CtrlCommand = {
  name: 'createClient',
  usage: 'USER [-i CLIENTID] [-p PASSWORD]',
  summary: 'makes a user; asks for the password where -p is not given',
  async build(words, askPassword) {
    const [username, ...rest] = words
    if (username === undefined) throw new CtrlUsageError('USER is missing')
    const given: { clientid?: string; password?: string } = {}
    for (let at = 0; at < rest.length; at += 2) {
      const value = rest[at + 1]
      const key = { '-i': 'clientid', '-c': 'clientid', '-p': 'password' }[rest[at]]
      if (key === undefined) throw new CtrlUsageError(`"${rest[at]}" is too much`)
      if (value === undefined) throw new CtrlUsageError(`${rest[at]} needs a word behind it`)
      given[key as keyof typeof given] = value
    }
    return { username, ...given, password: given.password ?? (await askPassword()) }
  },
  print: nothing,
}

const setClientPassword: CtrlCommand = {
  name: 'setClientPassword',
  usage: 'USER [PASSWORD]',
  summary: 'sets a password; asks for it where it is not given',
  async build(words, askPassword) {
    const { username, password } = operands(words, 'username', 'password?')
    return { username, password: password ?? (await askPassword()) }
  },
  print: nothing,
}

const addRoleAcl: CtrlCommand = {
  name: 'addRoleACL',
  usage: 'ROLE ACLTYPE TOPIC allow|deny [PRIORITY]',
  summary: `adds a rule; ACLTYPE: ${ACL_TYPES.join(', ')}`,
  build(words) {
    const { allow, priority, ...rule } = operands(
      words,
      'rolename',
      'acltype',
      'topic',
      'allow',
      'priority?',
    )
    checkType(rule['acltype'], ACL_TYPES)
    return present({
      ...rule,
      allow: isAllow(allow),
      priority: wholeNumber(priority, 'PRIORITY'),
    })
  },
  print: nothing,
}

const removeRoleAcl: CtrlCommand = {
  name: 'removeRoleACL',
  usage: 'ROLE ACLTYPE TOPIC',
  summary: 'removes a rule',
  build(words) {
    const rule = operands(words, 'rolename', 'acltype', 'topic')
    checkType(rule['acltype'], ACL_TYPES)
    return rule
  },
  print: nothing,
}

const setDefaultAccess: CtrlCommand = {
  name: 'setDefaultACLAccess',
  usage: 'TYPE allow|deny',
  summary: `sets what counts where no rule does; TYPE: ${DEFAULT_TYPES.join(', ')}`,
  build(words) {
    const { acltype, allow } = operands(words, 'acltype', 'allow')
    checkType(acltype, DEFAULT_TYPES)
    return { acls: [{ acltype, allow: isAllow(allow) }] }
  },
  print: nothing,
}

/** The broker answers all of them; the one that was asked for is picked by {@link printAccess}. */
const getDefaultAccess: CtrlCommand = {
  name: 'getDefaultACLAccess',
  usage: '[TYPE]',
  summary: 'shows it',
  build(words) {
    const { acltype } = operands(words, 'acltype?')
    if (acltype !== undefined) checkType(acltype, DEFAULT_TYPES)
    return present({ acltype })
  },
  print: printAccess,
}

/** What has no words of its own: modifyClient, modifyGroup, modifyRole. */
const send: CtrlCommand = {
  name: 'send',
  usage: 'JSON',
  summary: 'sends a command as it is: {"command": "modifyRole", …}',
  build(words) {
    const { text } = operands(words, 'text')
    try {
      return JSON.parse(text) as Record<string, unknown>
    } catch (error) {
      throw new CtrlUsageError((error as Error).message)
    }
  },
  print: (data) => (Object.keys(data).length === 0 ? [] : [JSON.stringify(data, null, 2)]),
}

function checkType(word: string, types: readonly string[]): void {
  if (!types.some((type) => type.toLowerCase() === word.toLowerCase()))
    throw new CtrlUsageError(`"${word}" is none of ${types.join(', ')}`)
}

function isAllow(word: string): boolean {
  if (word !== 'allow' && word !== 'deny')
    throw new CtrlUsageError(`access must be "allow" or "deny", not "${word}"`)
  return word === 'allow'
}

const printClient: CtrlCommand['print'] = ({ client }) => {
  const { username, clientid, disabled, roles, groups } = client as Record<string, unknown>
  return [
    `Username: ${username as string}`,
    `Clientid:${clientid === undefined ? '' : ` ${clientid as string}`}`,
    ...(disabled === true ? ['Disabled: true'] : []),
    ...printLinks('Roles:    ', roles, 'rolename'),
    ...printLinks('Groups:   ', groups, 'groupname'),
  ]
}

export const DYNSEC: CtrlModule = {
  name: 'dynsec',
  title: 'Dynamic security: users (clients), groups and roles',
  topic: '$CONTROL/dynamic-security/v1',
  commands: [
    createClient,
    plain('deleteClient', 'USER', 'deletes a user', ['username']),
    setClientPassword,
    plain('setClientId', 'USER [CLIENTID]', 'lets a user come with this client id alone', [
      'username',
      'clientid?',
    ]),
    plain('addClientRole', 'USER ROLE [PRIORITY]', 'gives a user a role', [
      'username',
      'rolename',
      'priority?',
    ]),
    plain('removeClientRole', 'USER ROLE', 'takes it away', ['username', 'rolename']),
    plain('getClient', 'USER', 'shows a user', ['username'], printClient),
    plain('listClients', '[COUNT [OFFSET]]', 'lists the users', PAGE, printNames('clients')),
    plain('enableClient', 'USER', 'lets a user in again', ['username']),
    plain('disableClient', 'USER', 'keeps a user out, and disconnects', ['username']),
    plain('createGroup', 'GROUP', 'makes a group', ['groupname']),
    plain('deleteGroup', 'GROUP', 'deletes it', ['groupname']),
    plain('addGroupRole', 'GROUP ROLE [PRIORITY]', 'gives a group a role', [
      'groupname',
      'rolename',
      'priority?',
    ]),
    plain('removeGroupRole', 'GROUP ROLE', 'takes it away', ['groupname', 'rolename']),
    plain('addGroupClient', 'GROUP USER [PRIORITY]', 'puts a user into a group', [
      'groupname',
      'username',
      'priority?',
    ]),
    plain('removeGroupClient', 'GROUP USER', 'takes a user out', ['groupname', 'username']),
    plain('getGroup', 'GROUP', 'shows a group', ['groupname'], printGroup),
    plain('listGroups', '[COUNT [OFFSET]]', 'lists the groups', PAGE, printNames('groups')),
    plain('setAnonymousGroup', 'GROUP', 'whose roles clients without a user name have', [
      'groupname',
    ]),
    plain('getAnonymousGroup', '', 'shows which group it is', [], ({ group }) => {
      const { groupname } = (group ?? {}) as { groupname?: string }
      return groupname ? [groupname] : []
    }),
    plain('createRole', 'ROLE', 'makes a role', ['rolename']),
    plain('deleteRole', 'ROLE', 'deletes it, and takes it from all who have it', ['rolename']),
    addRoleAcl,
    removeRoleAcl,
    plain('getRole', 'ROLE', 'shows a role', ['rolename'], printAcls),
    plain('listRoles', '[COUNT [OFFSET]]', 'lists the roles', PAGE, printNames('roles')),
    setDefaultAccess,
    getDefaultAccess,
    plain('getDetails', '', 'counts users, groups, roles and changes', [], (data) =>
      Object.entries(data).map(([key, value]) => `${key}: ${shown(value)}`),
    ),
    send,
  ],
}
