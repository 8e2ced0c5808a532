/** Users, groups and roles of dynamic security: who they are, what they may, and who changed it. */
import { useState } from 'react'
import { notify } from '../state/app-state.ts'
import { confirmed } from '../ui/confirm.tsx'
import { IconButton, Tabs } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { call } from './api.ts'
import { Pager } from './pager.tsx'
import { AuditTable } from './users-audit.tsx'
import { Bans } from './users-bans.tsx'
import { NewAccess, NewGroup, NewRole, NewUser } from './users-forms.tsx'
import { RightsForm, withoutRole } from './users-rights.tsx'
import { Table, type PartProps, type Run } from './users-table.tsx'
import { useBrokerText } from './text.ts'
import { useLoaded, useSettled } from './use-api.ts'

type Part = 'users' | 'groups' | 'roles' | 'rights' | 'bans' | 'audit'
const PARTS: readonly Part[] = ['users', 'groups', 'roles', 'rights', 'bans', 'audit']
/** What there is without dynamic security, too. */
const PARTS_ALWAYS: readonly Part[] = ['users', 'bans', 'audit']
const EVERY_MS = 5000
const PAGE_SIZE = 50

export function UsersPage() {
  const t = useText()
  const b = useBrokerText()
  const [part, setPart] = useState<Part>('users')
  const [refusal, setRefusal] = useState<string | null>(null)
  const [search, setSearch] = useState('')
  const [page, setPage] = useState(1)
  const q = useSettled(search)
  const query = { page, pageSize: PAGE_SIZE, ...(q !== '' && { q }) }
  const { value, problem, reload } = useLoaded(
    `users ${page} ${q}`,
    () => call('users', { query }),
    EVERY_MS,
  )
  const run: Run = async (...commands) => {
    try {
      const { responses } = await call('userCommands', { body: { commands } })
      const errors = responses.flatMap(({ error }) => (error === undefined ? [] : [error]))
      setRefusal(errors.length === 0 ? null : t.sentences(errors.map(b.problem)))
      reload()
      return errors.length === 0
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error))
      return false
    }
  }
  const shown = refusal ?? problem
  const isAvailable = value?.available !== false
  const find = (text: string) => {
    setSearch(text)
    setPage(1)
  }
  return (
    <section className="table-page users-page" onInput={() => setRefusal(null)}>
      <Tabs
        label={b.pages.users}
        value={part}
        tabs={(isAvailable ? PARTS : PARTS_ALWAYS).map(
          (name) => [name, b.users.parts[name]] as const,
        )}
        onChange={(next) => {
          setPart(next)
          setRefusal(null)
        }}
      />
      {shown !== null && (
        <p className="problem" role="alert">
          {shown}
        </p>
      )}
      {!isAvailable && part === 'users' && <p className="hint">{b.users.none}</p>}
      {isAvailable && part === 'users' && (
        <input
          type="search"
          aria-label={b.users.search}
          placeholder={b.users.search}
          value={search}
          onChange={(event) => find(event.target.value)}
        />
      )}
      {value !== null && (isAvailable || part !== 'users') && (
        <Shown part={part} value={value} run={run} />
      )}
      {value !== null && isAvailable && part === 'users' && (
        <Pager page={value.page} pageSize={value.pageSize} total={value.total} onPage={setPage} />
      )}
    </section>
  )
}

function Shown({ part, value, run }: PartProps & { part: Part }) {
  if (part === 'users') return <Users value={value} run={run} />
  if (part === 'groups') return <Groups value={value} run={run} />
  if (part === 'roles') return <Roles value={value} run={run} />
  if (part === 'bans') return <Bans />
  return part === 'rights' ? <RightsForm /> : <AuditTable />
}

interface NamedProps {
  name: string
  texts: { readonly textname: string | null; readonly textdescription: string | null }
}

/** A name with what it is called and what it is for. */
function Named({ name, texts: { textname, textdescription } }: NamedProps) {
  return (
    <>
      <b className="mono">{name}</b>
      {textname !== null && <span> {textname}</span>}
      {textdescription !== null && <small className="is-quiet"> {textdescription}</small>}
    </>
  )
}

interface LinksProps {
  links: readonly { name: string; priority: number }[]
  onRemove: (name: string) => void
}

/** Names with their priorities, each to be taken away. */
function Links({ links, onRemove }: LinksProps) {
  const b = useBrokerText()
  return (
    <ul className="chips">
      {links.map(({ name, priority }) => (
        <li key={name}>
          <span className="mono">{name}</span>
          {priority !== -1 && <small> {priority}</small>}
          <IconButton icon="close" label={b.users.take(name)} onClick={() => onRemove(name)} />
        </li>
      ))}
    </ul>
  )
}

function Users({ value, run }: PartProps) {
  const b = useBrokerText()
  const u = b.users
  const remove = async (username: string) => {
    if (await confirmed(u.sureUser(username), u.remove))
      await run({ command: 'deleteClient', username })
  }
  return (
    <>
      <NewUser value={value} run={run} />
      <Table
        label={u.parts.users}
        columns={[...Object.values(u.userColumns), u.actions]}
        number={u.userColumns.connections}
      >
        {value.users.map(({ username, clientid, disabled, roles, groups, ...rest }) => (
          <tr key={username}>
            <td>
              <Named name={username} texts={rest} />
            </td>
            <td className={disabled ? 'is-warning' : ''}>
              {disabled ? u.disabled : rest.hasPassword ? u.enabled : u.noPassword}
            </td>
            <td className="is-number">{rest.connections.length}</td>
            <td className="mono">{clientid}</td>
            <td>
              <Links
                links={roles}
                onRemove={(rolename) =>
                  void run({ command: 'removeClientRole', username, rolename })
                }
              />
            </td>
            <td>
              <Links
                links={groups}
                onRemove={(groupname) =>
                  void run({ command: 'removeGroupClient', username, groupname })
                }
              />
            </td>
            <td className="row-actions">
              <button
                type="button"
                className="button"
                onClick={() =>
                  void run({ command: disabled ? 'enableClient' : 'disableClient', username })
                }
              >
                {disabled ? u.enable : u.disable}
              </button>
              <IconButton
                icon="trash"
                label={`${u.remove} ${username}`}
                onClick={() => void remove(username)}
              />
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}

function Groups({ value, run }: PartProps) {
  const b = useBrokerText()
  const u = b.users
  const remove = async (groupname: string) => {
    if (await confirmed(u.sureGroup(groupname), u.remove))
      await run({ command: 'deleteGroup', groupname })
  }
  return (
    <>
      <NewGroup value={value} run={run} />
      <Table label={u.parts.groups} columns={[...Object.values(u.groupColumns), u.actions]}>
        {value.groups.map(({ groupname, roles, clients, members, ...texts }) => (
          <tr key={groupname}>
            <td>
              <Named name={groupname} texts={texts} />
              {groupname === value.anonymousGroup && (
                <small className="is-quiet"> {u.anonymousGroup}</small>
              )}
            </td>
            <td>
              <Links
                links={roles}
                onRemove={(rolename) =>
                  void run({ command: 'removeGroupRole', groupname, rolename })
                }
              />
            </td>
            <td>
              <Links
                links={clients}
                onRemove={(username) =>
                  void run({ command: 'removeGroupClient', groupname, username })
                }
              />
              {members > clients.length && (
                <small className="is-quiet">{u.andMore(members - clients.length)}</small>
              )}
            </td>
            <td className="row-actions">
              <button
                type="button"
                className="button"
                disabled={groupname === value.anonymousGroup}
                onClick={() => void run({ command: 'setAnonymousGroup', groupname })}
              >
                {u.makeAnonymous}
              </button>
              <IconButton
                icon="trash"
                label={`${u.remove} ${groupname}`}
                onClick={() => void remove(groupname)}
              />
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}

function Roles({ value, run }: PartProps) {
  const t = useText()
  const b = useBrokerText()
  const u = b.users
  const remove = async (rolename: string) => {
    const changes = await withoutRole(rolename).catch((error: unknown) => {
      notify(error instanceof Error ? error.message : String(error), true)
      return null
    })
    if (changes === null) return
    const question = [u.sureRole(rolename), u.withoutCount(changes.length), ...changes.slice(0, 5)]
    if (await confirmed(t.sentences(question), u.remove))
      await run({ command: 'deleteRole', rolename })
  }
  return (
    <>
      <NewAccess value={value} run={run} />
      <NewRole value={value} run={run} />
      <Table label={u.parts.roles} columns={[...Object.values(u.roleColumns), u.actions]}>
        {value.roles.map(({ rolename, acls, ...texts }) => (
          <tr key={rolename}>
            <td>
              <Named name={rolename} texts={texts} />
            </td>
            <td>
              <ul className="chips">
                {acls.map(({ acltype, topic, priority, allow }) => (
                  <li key={`${acltype} ${topic}`} className={allow ? '' : 'is-warning'}>
                    {allow ? u.allows : u.denies} {u.aclTypes[acltype as keyof typeof u.aclTypes]}{' '}
                    <span className="mono">{topic}</span>
                    {priority !== 0 && <small> {priority}</small>}
                    <IconButton
                      icon="close"
                      label={u.take(`${acltype} ${topic}`)}
                      onClick={() =>
                        void run({ command: 'removeRoleACL', rolename, acltype, topic })
                      }
                    />
                  </li>
                ))}
              </ul>
            </td>
            <td className="row-actions">
              <IconButton
                icon="trash"
                label={`${u.remove} ${rolename}`}
                onClick={() => void remove(rolename)}
              />
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}
