/** What makes and changes users, groups and roles. */
import { useState, type FormEvent } from 'react'
import { Check, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { useBrokerText } from './text.ts'
import type { PartProps } from './users-table.tsx'

const NOTHING = ''

/** A form that is empty again when its commands are carried out. */
function useForm<T>(empty: T, send: (filled: T) => Promise<boolean>) {
  const [filled, setFilled] = useState(empty)
  const put = (patch: Partial<T>) => setFilled({ ...filled, ...patch })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (await send(filled)) setFilled(empty)
  }
  return { filled, put, submit: (event: FormEvent) => void submit(event) }
}

function optionsOf(names: readonly string[]): [string, string][] {
  return [[NOTHING, '–'], ...names.map((name): [string, string] => [name, name])]
}

/** Makes a user, or changes one who is there: what is left empty stays. */
export function NewUser({ value, run }: PartProps) {
  const t = useText()
  const u = useBrokerText().users
  const empty = { username: '', password: '', clientid: '', role: NOTHING, group: NOTHING }
  const { filled, put, submit } = useForm(
    empty,
    ({ username, password, clientid, role, group }) => {
      const isKnown = value.users.some((user) => user.username === username)
      const given = {
        ...(password !== '' && { password }),
        ...(clientid !== '' && { clientid }),
      }
      const isOther = Object.keys(given).length > 0
      return run(
        ...(isKnown ? [] : [{ command: 'createClient', username, ...given }]),
        ...(isKnown && isOther ? [{ command: 'modifyClient', username, ...given }] : []),
        ...(role === NOTHING ? [] : [{ command: 'addClientRole', username, rolename: role }]),
        ...(group === NOTHING ? [] : [{ command: 'addGroupClient', username, groupname: group }]),
      )
    },
  )
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
      <Select
        label={u.role}
        value={filled.role}
        options={optionsOf(value.roles.map(({ rolename }) => rolename))}
        onChange={(role) => put({ role })}
      />
      <Select
        label={u.group}
        value={filled.group}
        options={optionsOf(value.groups.map(({ groupname }) => groupname))}
        onChange={(group) => put({ group })}
      />
      <button type="submit" className="button is-primary" disabled={filled.username === ''}>
        {u.save}
      </button>
    </form>
  )
}

export function NewGroup({ value, run }: PartProps) {
  const u = useBrokerText().users
  const { filled, put, submit } = useForm({ name: '', role: NOTHING }, ({ name, role }) => {
    const isKnown = value.groups.some(({ groupname }) => groupname === name)
    return run(
      ...(isKnown ? [] : [{ command: 'createGroup', groupname: name }]),
      ...(role === NOTHING ? [] : [{ command: 'addGroupRole', groupname: name, rolename: role }]),
    )
  })
  return (
    <form className="inline-form" onSubmit={submit} aria-label={u.newGroup}>
      <TextField label={u.group} mono value={filled.name} onChange={(name) => put({ name })} />
      <Select
        label={u.role}
        value={filled.role}
        options={optionsOf(value.roles.map(({ rolename }) => rolename))}
        onChange={(role) => put({ role })}
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
    acltype: 'publishClientSend',
    topic: '',
    verb: 'allow',
    priority: '0',
  }
  const { filled, put, submit } = useForm(empty, ({ rolename, topic, verb, priority, acltype }) => {
    const isKnown = value.roles.some((role) => role.rolename === rolename)
    const rule = { acltype, topic, allow: verb === 'allow', priority: Number(priority) || 0 }
    return run(
      ...(isKnown ? [] : [{ command: 'createRole', rolename }]),
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
