/** What the commands on stores have in common: which store, and how a wrong command line is answered. */
import { ConfigError, formatConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/files.ts'
import { persistenceOf } from '../server/persistence.ts'
import { parseWords } from './unknown-option.ts'

/** The command line is wrong; `message` is for the user. */
export class UsageError extends Error {}

const USAGE_EXIT_CODE = 3
const FAILURE_EXIT_CODE = 1

const OPTIONS = {
  'config-file': { type: 'string', short: 'c' },
  from: { type: 'string' },
  into: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type OptionName = keyof typeof OPTIONS

type Values = ReturnType<typeof parse>['values']

function parse(words: readonly string[]) {
  return parseWords({ args: [...words], options: OPTIONS, allowPositionals: true })
}

/** @throws UsageError */
function parseOwn(words: readonly string[], own: readonly OptionName[]): ReturnType<typeof parse> {
  try {
    const parsed = parse(words)
    for (const name of Object.keys(parsed.values) as OptionName[])
      if (name !== 'help' && !own.includes(name)) throw new Error(`--${name} has no meaning here`)
    return parsed
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** The store of the broker that would run with this configuration file, or with none. @throws UsageError */
export function storeOf(configFile: string | undefined): string {
  try {
    const persistence = persistenceOf(loadConfig(configFile ?? null), configFile ?? null, false)
    if (persistence !== null) return persistence.location
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new UsageError(formatConfigError(error).join('\n'))
  }
  throw new UsageError(`${configFile} has "persistence false": there is no store`)
}

/** A command: its help text, the options it has, what it does. */
export interface StoreCommand {
  readonly help: string
  readonly options: readonly OptionName[]
  run(values: Values, places: readonly string[]): Promise<void>
}

/** Runs a command; says what went wrong on stderr and sets the exit code. */
export async function runCommand(command: StoreCommand, words: readonly string[]): Promise<void> {
  const { help, options, run } = command
  try {
    const { values, positionals } = parseOwn(words, options)
    if (values.help) process.stdout.write(help)
    else await run(values, positionals)
  } catch (error) {
    const isUsage = error instanceof UsageError
    process.stderr.write(`Error: ${(error as Error).message}\n${isUsage ? help : ''}`)
    process.exitCode = isUsage ? USAGE_EXIT_CODE : FAILURE_EXIT_CODE
  }
}
