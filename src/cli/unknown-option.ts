/** What is said of an option that a command does not have. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearestName } from '../base/nearest-name.ts'

/** `Unknown option "--hepl"; did you mean "--help"?`. `names`: of the options there are, with their dashes. */
export function unknownOption(word: string, names: Iterable<string>): string {
  // One letter is near every other one.
  const nearest = word.startsWith('--') ? nearestName(word, names) : null
  return `Unknown option "${word}"${nearest === null ? '.' : `; did you mean "${nearest}"?`}`
}

/** As Node's parseArgs. @throws Error that says what is wrong, of an unknown option which may have been meant. */
export function parseWords<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const word = /^Unknown option '([^']*)'/.exec(message)?.[1]
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || word === undefined) throw error
    const names = Object.keys(config.options ?? {}).map((name) => `--${name}`)
    throw new Error(unknownOption(word, names), { cause: error })
  }
}
