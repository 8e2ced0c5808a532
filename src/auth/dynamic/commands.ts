/** A payload of COMMANDS and its answers, as they go over `$CONTROL/dynamic-security/v1`. */
import { CommandError } from './arguments.ts'
import { CLIENT_COMMANDS } from './client-commands.ts'
import type { Command, Draft } from './draft.ts'
import { fieldOf, isObject, textOf, type JsonObject } from '../json-fields.ts'
import { GROUP_COMMANDS } from './group-commands.ts'
import { ROLE_COMMANDS } from './role-commands.ts'

const COMMANDS: readonly Command[] = [...CLIENT_COMMANDS, ...GROUP_COMMANDS, ...ROLE_COMMANDS]
const byName = new Map(COMMANDS.map((command) => [command.name.toLowerCase(), command]))

/** undefined: there is no such command. Its name counts in any case. */
export function commandOf(name: string): Command | undefined {
  return byName.get(name.toLowerCase())
}

export interface CommandResponse {
  readonly command: string
  readonly error?: string
  readonly data?: JsonObject
  readonly correlationData?: string
}

const UNKNOWN = 'Unknown command'

/** The COMMANDS in a payload, or the answer to one that holds none. */
export function parseCommands(payload: Uint8Array): readonly unknown[] | CommandResponse {
  let root: unknown
  try {
    root = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown
  } catch {
    return { command: UNKNOWN, error: 'Payload not valid JSON' }
  }
  const list = isObject(root) ? fieldOf(root, 'commands') : undefined
  return Array.isArray(list) ? list : { command: UNKNOWN, error: 'Invalid/missing commands' }
}

/** Whether nothing of it can change anything. */
export function onlyReads(list: readonly unknown[]): boolean {
  return list.every((item) => {
    const name = isObject(item) ? textOf(item, 'command') : null
    const command = name === null ? undefined : commandOf(name)
    return command === undefined || command.reads === true
  })
}

/** What one command came to. */
export interface Outcome {
  readonly response: CommandResponse
  /** The command when it changed something; null: nothing is to be saved. */
  readonly change: { readonly command: string; readonly args: JsonObject } | null
}

/** Carries out one command of a payload. */
export async function runCommand(draft: Draft, item: unknown): Promise<Outcome> {
  const failed = (command: string, error: string, more: object = {}): Outcome => ({
    response: { command, error, ...more },
    change: null,
  })
  if (!isObject(item)) return failed(UNKNOWN, 'Command not an object')
  const name = textOf(item, 'command')
  if (name === null) return failed(UNKNOWN, 'Missing command')
  const correlation = fieldOf(item, 'correlationData')
  if (correlation !== undefined && typeof correlation !== 'string')
    return failed(name, 'Invalid correlationData data type.')
  const more = correlation === undefined ? {} : { correlationData: correlation }
  const command = commandOf(name)
  if (command === undefined) return failed(name, UNKNOWN, more)
  try {
    const data = await command.run(draft, item)
    const response = { command: name, ...(data === undefined ? {} : { data }), ...more }
    if (command.reads === true) return { response, change: null }
    draft.changeIndex++
    return { response, change: { command: command.name, args: item } }
  } catch (error) {
    if (error instanceof CommandError) return failed(name, error.message, more)
    throw error
  }
}
