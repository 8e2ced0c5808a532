/** What makes and changes users, groups and roles. */
import { useState, type FormEvent } from 'react'
import { notify } from '../state/app-state.ts'
import { Check, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { call, type UserCommand } from './api.ts'
import { useBrokerText } from './text.ts'
import type { PartProps } from './users-table.tsx'

const NOTHING = ''
const PRIORITY = '-1'
const RULE_PRIORITY = '0'

/** A form that is empty again when its commands are carried out. */
function useForm<T>(empty: T, send: (filled: T) => Promise<boolean>) {
  const [filled, setFilled] = useState(empty)
  const put = (patch: Partial<T>) => setFilled({ ...filled, ...patch })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    try {
      if (await send(filled)) setFilled(empty)
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  return { filled, put, submit: (event: FormEvent) => void submit(event) }
}

function optionsOf(names: readonly string[]): [string, string][] {
  return [[NOTHING, '–'], ...names.map((name): [string, string] => [name, name])]
}

/** What is left empty stays as it is. */
function given(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== NOTHING))
}

interface Known {
  readonly roles?: readonly { rolename: string }[]
  readonly groups?: readonly { groupname: string }[]
}

/** What there is of this name; null: nothing. The page has only some of the users. */
async function knownOf(command: UserCommand, key: string): Promise<Known | null> {
  const { responses } = await call('userCommands', { body: { commands: [command] } })
  const found: Known | undefined = responses[0]?.data?.[key] as Known | undefined
  return found ?? null
}

const TEXTS = { textname: '', textdescription: '' }

interface FieldsProps<T> {
  filled: T
  put: (patch: Partial<T>) => void
}

function TextFields({ filled, put }: FieldsProps<typeof TEXTS>) {
  const u = useBrokerText().users
  return (
    <>
      <TextField
        label={u.textname}
        value={filled.textname}
        onChange={(textname) => put({ textname })}
      />
      <TextField
        label={u.textdescription}
        value={filled.textdescription}
        onChange={(textdescription) => put({ textdescription })}
      />
    </>
  )
}

interface LinkFieldProps {
  label: string
  names: readonly string[]
  name: string
  priority: string
  onName: (name: string) => void
  onPriority: (priority: string) => void
}

/** A role or a group, and how early it counts. */
function LinkField({ label, names, name, priority, onName, onPriority }: LinkFieldProps) {
  const u = useBrokerText().users
  return (
    <>
      <Select label={label} value={name} options={optionsOf(names)} onChange={onName} />
      {name !== NOTHING && (
        <TextField
          label={u.priorityOf(label)}
          type="number"
          value={priority}
          onChange={onPriority}
        />
      )}
    </>
  )
}

const EMPTY_USER = {
  username: '',
  password: '',
  clientid: '',
  ...TEXTS,
  role: NOTHING,
  rolePriority: PRIORITY,
  group: NOTHING,
  groupPriority: PRIORITY,
}

/** What makes of a user what is filled in; a link that is there takes its new priority. */
function userCommands(
  { username, role, group, rolePriority, groupPriority, ...texts }: typeof EMPTY_USER,
  known: Known | null,
): UserCommand[] {
  const changes = given(texts)
  const isOther = Object.keys(changes).length > 0
  const hasRole = known?.roles?.some(({ rolename }) => rolename === role) === true
  const isMember = known?.groups?.some(({ groupname }) => groupname === group) === true
  const roleLink = { username, rolename: role, priority: Number(rolePriority) || 0 }
  const groupLink = { username, groupname: group, priority: Number(groupPriority) || 0 }
  return [
    ...(known === null ? [{ command: 'createClient', username, ...changes }] : []),
    ...(known !== null && isOther ? [{ command: 'modifyClient', username, ...changes }] : []),
    ...(hasRole ? [{ command: 'removeClientRole', username, rolename: role }] : []),
    ...(role === NOTHING ? [] : [{ command: 'addClientRole', ...roleLink }]),
    ...(isMember ? [{ command: 'removeGroupClient', username, groupname: group }] : []),
    ...(group === NOTHING ? [] : [{ command: 'addGroupClient', ...groupLink }]),
  ]
}

/** Makes a user, or changes one who is there: what is left empty stays. */
export function NewUser({ value, run }: PartProps) {
  const t = useText()
  const u = useBrokerText().users
  const { filled, put, submit } = useForm(EMPTY_USER, async (form) => {
    const question = { command: 'getClient', username: form.username }
    return run(...userCommands(form, await knownOf(question, 'client')))
  })
  return (
    <form className="inline-form" onSubmit={submit} aria-label={u.newUser}>
      <TextField
        label={u.userColumns.username}
        mono
        value={filled.username}
        onChange={(username) => put({ username })}
      />
      <TextField
        label={t.password}
        type="password"
        value={filled.password}
        onChange={(password) => put({ password })}
      />
      <TextField
        label={u.userColumns.clientid}
        mono
        value={filled.clientid}
        onChange={(clientid) => put({ clientid })}
      />
      <TextFields filled={filled} put={put} />
      <LinkField
        label={u.role}
        names={value.roles.map(({ rolename }) => rolename)}
        name={filled.role}
        priority={filled.rolePriority}
        onName={(role) => put({ role })}
        onPriority={(rolePriority) => put({ rolePriority })}
      />
      <LinkField
        label={u.group}
        names={value.groups.map(({ groupname }) => groupname)}
        name={filled.group}
        priority={filled.groupPriority}
        onName={(group) => put({ group })}
        onPriority={(groupPriority) => put({ groupPriority })}
      />
      <button type="submit" className="button is-primary" disabled={filled.username === ''}>
        {u.save}
      </button>
    </form>
  )
}

export function NewGroup({ value, run }: PartProps) {
  const u = useBrokerText().users
  const empty = { name: '', ...TEXTS, role: NOTHING, priority: PRIORITY }
  const { filled, put, submit } = useForm(empty, ({ name, role, priority, ...texts }) => {
    const known = value.groups.find(({ groupname }) => groupname === name)
    const changes = given(texts)
    const isOther = Object.keys(changes).length > 0
    const hasRole = known?.roles.some((link) => link.name === role) === true
    const link = { groupname: name, rolename: role, priority: Number(priority) || 0 }
    return run(
      ...(known === undefined ? [{ command: 'createGroup', groupname: name, ...changes }] : []),
      ...(known !== undefined && isOther
        ? [{ command: 'modifyGroup', groupname: name, ...changes }]
        : []),
      ...(hasRole ? [{ command: 'removeGroupRole', groupname: name, rolename: role }] : []),
      ...(role === NOTHING ? [] : [{ command: 'addGroupRole', ...link }]),
    )
  })
  return (
    <form className="inline-form" onSubmit={submit} aria-label={u.newGroup}>
      <TextField label={u.group} mono value={filled.name} onChange={(name) => put({ name })} />
      <TextFields filled={filled} put={put} />
      <LinkField
        label={u.role}
        names={value.roles.map(({ rolename }) => rolename)}
        name={filled.role}
        priority={filled.priority}
        onName={(role) => put({ role })}
        onPriority={(priority) => put({ priority })}
      />
      <button type="submit" className="button is-primary" disabled={filled.name === ''}>
        {u.save}
      </button>
    </form>
  )
}

/** Makes a role, or adds a rule to one. */
export function NewRole({ value, run }: PartProps) {
  const t = useText()
  const u = useBrokerText().users
  const empty = {
    rolename: '',
    ...TEXTS,
    acltype: 'publishClientSend',
    topic: '',
    verb: 'allow',
    priority: RULE_PRIORITY,
  }
  const { filled, put, submit } = useForm(empty, (form) => {
    const { rolename, topic, verb, priority, acltype, ...texts } = form
    const isKnown = value.roles.some((role) => role.rolename === rolename)
    const changes = given(texts)
    const isOther = Object.keys(changes).length > 0
    const rule = { acltype, topic, allow: verb === 'allow', priority: Number(priority) || 0 }
    return run(
      ...(isKnown ? [] : [{ command: 'createRole', rolename, ...changes }]),
      ...(isKnown && isOther ? [{ command: 'modifyRole', rolename, ...changes }] : []),
      ...(topic === '' ? [] : [{ command: 'addRoleACL', rolename, ...rule }]),
    )
  })
  return (
    <form className="inline-form" onSubmit={submit} aria-label={u.newRole}>
      <TextField
        label={u.role}
        mono
        value={filled.rolename}
        onChange={(rolename) => put({ rolename })}
      />
      <TextFields filled={filled} put={put} />
      <Select
        label={u.verb}
        value={filled.verb}
        options={[
          ['allow', u.allows],
          ['deny', u.denies],
        ]}
        onChange={(verb) => put({ verb })}
      />
      <Select
        label={u.kind}
        value={filled.acltype}
        options={Object.entries(u.aclTypes)}
        onChange={(acltype) => put({ acltype })}
      />
      <TextField label={t.topic} mono value={filled.topic} onChange={(topic) => put({ topic })} />
      <TextField
        label={u.priority}
        type="number"
        value={filled.priority}
        onChange={(priority) => put({ priority })}
      />
      <button type="submit" className="button is-primary" disabled={filled.rolename === ''}>
        {u.save}
      </button>
    </form>
  )
}

/** What counts where no rule does. */
export function NewAccess({ value, run }: PartProps) {
  const u = useBrokerText().users
  return (
    <fieldset className="inline-form">
      <legend>{u.byDefault}</legend>
      {Object.entries(value.access).map(([acltype, allow]) => (
        <Check
          key={acltype}
          label={u.defaultTypes[acltype as keyof typeof u.defaultTypes]}
          checked={allow}
          onChange={(wanted) =>
            void run({ command: 'setDefaultACLAccess', acls: [{ acltype, allow: wanted }] })
          }
        />
      ))}
    </fieldset>
  )
}
