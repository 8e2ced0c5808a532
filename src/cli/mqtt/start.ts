/** What pub, sub and rr have in common before they connect: read the command line, or say what is wrong with it. */
import { basename } from 'node:path'
import { readCommandLine } from './command-line.ts'
import type { Settings, Tool } from './settings.ts'

/** mosquitto's tools end so for usage errors, and for help and version too. */
export const USAGE_EXIT_CODE = 1

/** `mosquitto_pub` when started by that name, else `mozzie pub`. */
export function programName(tool: Tool): string {
  const name = basename(process.argv[1] ?? '').replace(/\.exe$/, '')
  return name.endsWith(`_${tool}`) ? name : `mozzie ${tool}`
}

/** Says what is wrong with the command line, and how to find out more; sets the exit code. */
export function sayUsageError(tool: Tool, error: string, hint?: string): void {
  const advice = hint === undefined ? '' : `${hint}\n`
  const usage = `Use '${programName(tool)} --help' to see usage.`
  process.stderr.write(`${error}\n${advice}\n${usage}\n`)
  process.exitCode = USAGE_EXIT_CODE
}

/** @returns null when there is nothing left to do: the exit code is set. */
export async function settingsOfWords(
  tool: Tool,
  words: readonly string[],
): Promise<Settings | null> {
  const parsed = readCommandLine(tool, words)
  if (!parsed.ok) {
    sayUsageError(tool, parsed.error, parsed.hint)
    return null
  }
  const { settings } = parsed
  if (settings.action === 'run') return settings
  process.exitCode = USAGE_EXIT_CODE
  if (settings.action === 'help') {
    const { helpText } = await import('./help.ts')
    const isColoured = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
    process.stdout.write(helpText(tool, programName(tool), isColoured))
  } else {
    const { version } = await import('../../server/version.ts')
    process.stdout.write(`${programName(tool)} version ${version}\n`)
  }
  return null
}
