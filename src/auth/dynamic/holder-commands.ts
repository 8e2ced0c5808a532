/** What clients and groups have in common: roles, and that they are shown and listed. */
import { CommandError, isVerbose, nameArgument, page, priorityArgument } from './arguments.ts'
import { isLinked, roleOf, without, type Answer, type Command, type Draft } from './draft.ts'
import type { JsonObject } from '../json-fields.ts'
import { sortedNames, type Link } from './model.ts'

/** A kind of what has roles. */
export interface Holders<T extends { readonly roles: readonly Link[] }> {
  /** As in the names of commands: addClientRole. */
  readonly noun: 'Client' | 'Group'
  readonly nameKey: 'username' | 'groupname'
  all(draft: Draft): ReadonlyMap<string, T>
  /** @throws CommandError when there is none of this name. */
  of(draft: Draft, name: string): T
  /** Puts a changed one in place; the connections of whom it concerns end. */
  set(draft: Draft, holder: T): void
  /** As answers have it. */
  show(draft: Draft, holder: T): JsonObject
}

/** The commands of that kind that are the same for each. */
export function holderCommands<T extends { readonly roles: readonly Link[] }>(
  holders: Holders<T>,
): Command[] {
  const { noun, nameKey, all, of, set, show } = holders
  const key = noun.toLowerCase()
  const named = (draft: Draft, args: JsonObject): T => of(draft, nameArgument(args, nameKey))
  /** Names first, then what they name: the first that is wrong is answered. */
  const withRole = (draft: Draft, args: JsonObject): { holder: T; rolename: string } => {
    const [name, rolename] = [nameArgument(args, nameKey), nameArgument(args, 'rolename')]
    const holder = of(draft, name)
    roleOf(draft, rolename)
    return { holder, rolename }
  }
  return [
    {
      name: `add${noun}Role`,
      run(draft, args): Answer {
        const { holder, rolename } = withRole(draft, args)
        if (isLinked(holder.roles, rolename))
          throw new CommandError(`${noun} is already in this role`)
        const link = { name: rolename, priority: priorityArgument(args) }
        set(draft, { ...holder, roles: [...holder.roles, link] })
        return undefined
      },
    },
    {
      name: `remove${noun}Role`,
      run(draft, args): Answer {
        const { holder, rolename } = withRole(draft, args)
        set(draft, { ...holder, roles: without(holder.roles, rolename) })
        return undefined
      },
    },
    {
      name: `get${noun}`,
      run: (draft, args) => ({ [key]: show(draft, named(draft, args)) }),
      reads: true,
    },
    {
      name: `list${noun}s`,
      run(draft, args): Answer {
        const names = page(args, sortedNames(all(draft)))
        const listed = isVerbose(args) ? names.map((name) => show(draft, of(draft, name))) : names
        return { totalCount: all(draft).size, [`${key}s`]: listed }
      },
      reads: true,
    },
  ]
}
