/** Answers of the dynsec module as mosquitto_ctrl prints them. */
import { shown } from './command.ts'

type Fields = Record<string, unknown>

const ACL_TYPE_WIDTH = 20
/** mosquitto 2.0 does not write it. */
const DEFAULT_PRIORITY = -1

/** The first entry stands behind the title, the others below it. */
function column(title: string, entries: readonly string[]): string[] {
  return entries.map((entry, at) => (at === 0 ? title : ' '.repeat(title.length)) + entry)
}

export function printLinks(title: string, links: unknown, key: string): string[] {
  const named = ((links ?? []) as Fields[]).map(
    (link) => `${shown(link[key])} (priority: ${shown(link['priority'] ?? DEFAULT_PRIORITY)})`,
  )
  return column(title, named)
}

export function printNames(key: string) {
  return (data: Fields): string[] => data[key] as string[]
}

export function printGroup({ group }: Fields): string[] {
  const { groupname, roles, clients } = group as Fields
  const members = ((clients ?? []) as Fields[]).map(({ username }) => shown(username))
  return [
    `Groupname: ${shown(groupname)}`,
    ...printLinks('Roles:     ', roles, 'rolename'),
    ...column('Clients:   ', members),
  ]
}

export function printAcls({ role }: Fields): string[] {
  const { rolename, acls } = role as Fields
  const rules = ((acls ?? []) as Fields[]).map(({ acltype, allow, topic, priority }) => {
    const type = shown(acltype).padEnd(ACL_TYPE_WIDTH)
    return `${type} : ${verb(allow)} : ${shown(topic)} (priority: ${shown(priority)})`
  })
  return [`Rolename: ${shown(rolename)}`, ...column('ACLs:     ', rules)]
}

function verb(allow: unknown): string {
  return allow === true ? 'allow' : 'deny '
}

export function printAccess({ acls }: Fields): string[] {
  return (acls as Fields[]).map(
    ({ acltype, allow }) =>
      `${shown(acltype).padEnd(ACL_TYPE_WIDTH)} : ${allow === true ? 'allow' : 'deny'}`,
  )
}
