/** Arguments of commands, with mosquitto's words for what is wrong with them. */
import { fieldOf, flagOf, numberOf, textOf, type JsonObject } from '../json-fields.ts'
import { boundedPriority, type Link } from './model.ts'

/** A command is answered with this error and changes nothing. */
export class CommandError extends Error {
  override name = 'CommandError'
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/

const NAME_WORDS = {
  username: 'Username',
  groupname: 'Group name',
  rolename: 'Role name',
} as const
type NameKey = keyof typeof NAME_WORDS

/** A name that must be given. */
export function nameArgument(args: JsonObject, key: NameKey): string {
  const name = textOf(args, key)
  if (name === null) throw new CommandError(`Invalid/missing ${key}`)
  if (CONTROLS.test(name)) throw new CommandError(`${NAME_WORDS[key]} not valid UTF-8`)
  return name
}

/** The name of something that is to be made. */
export function newNameArgument(args: JsonObject, key: NameKey): string {
  const name = nameArgument(args, key)
  if (name === '') throw new CommandError(`Empty ${key}`)
  return name
}

/** A text that need not be given; undefined: it is not. */
export function textArgument(args: JsonObject, key: string, word = key): string | undefined {
  const value = fieldOf(args, key)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new CommandError(`Invalid/missing ${word}`)
  return value
}

/** A client id that need not be given; null: any will do. */
export function clientIdArgument(args: JsonObject, word: string): string | null | undefined {
  const clientId = textArgument(args, 'clientid', word)
  if (clientId !== undefined && CONTROLS.test(clientId))
    throw new CommandError('Client ID not valid UTF-8')
  return clientId === '' ? null : clientId
}

export function describedArguments(args: JsonObject) {
  const [textname, textdescription] = [
    textArgument(args, 'textname'),
    textArgument(args, 'textdescription'),
  ]
  return {
    ...(textname === undefined ? {} : { textname }),
    ...(textdescription === undefined ? {} : { textdescription }),
  }
}

/** Of something that is there: what is no text is not there, as in mosquitto. */
export function changedTexts(args: JsonObject) {
  const [textname, textdescription] = [textOf(args, 'textname'), textOf(args, 'textdescription')]
  return {
    ...(textname === null ? {} : { textname }),
    ...(textdescription === null ? {} : { textdescription }),
  }
}

/** Without one it is the lowest of those that are usual. */
export function priorityArgument(args: JsonObject, otherwise = -1): number {
  return boundedPriority(numberOf(args, 'priority', otherwise))
}

/** What is wrong with a list of links, in the words of the command. */
export interface LinkWords {
  readonly notList: string
  readonly unnamed: string
  readonly unknown: string
}

export const ROLE_WORDS: LinkWords = {
  notList: "'roles' not an array or missing/invalid rolename",
  unnamed: "'roles' not an array or missing/invalid rolename",
  unknown: 'Role not found',
}

/** A list of names with priorities; undefined: it is not given. Of two of one name the first counts. */
export function linksArgument(
  args: JsonObject,
  key: string,
  nameKey: NameKey,
  known: ReadonlyMap<string, unknown>,
  words: LinkWords,
): Link[] | undefined {
  const list = fieldOf(args, key)
  if (list === undefined) return undefined
  if (!Array.isArray(list)) throw new CommandError(words.notList)
  const links = new Map<string, Link>()
  for (const item of list as unknown[]) {
    const name =
      typeof item === 'object' && item !== null ? textOf(item as JsonObject, nameKey) : null
    if (name === null) throw new CommandError(words.unnamed)
    if (!known.has(name)) throw new CommandError(words.unknown)
    if (!links.has(name)) links.set(name, { name, priority: priorityArgument(item as JsonObject) })
  }
  return [...links.values()]
}

/** The part of a list that a command asks for. */
export function page<T>(args: JsonObject, all: readonly T[]): T[] {
  const [count, offset] = [numberOf(args, 'count', -1), Math.max(0, numberOf(args, 'offset', 0))]
  // mosquitto looks at the count behind the first entry: 0 brings one.
  return all.slice(offset, count < 0 ? undefined : offset + Math.max(1, count))
}

export function isVerbose(args: JsonObject): boolean {
  return flagOf(args, 'verbose', false)
}
