/** Reads configuration files from the disk. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, ValueError } from './config-error.ts'
import type { Config, ConfigWarning } from './config.ts'
import { assertSupported, parseConfig } from './parse.ts'
import type { ConfigSource } from './parse-state.ts'
import { readWhole } from './read-whole.ts'

/**
 * Reads a configuration file and what it includes.
 *
 * @param file Path of the file; null: no file, the defaults (local-only mode).
 * @throws ConfigError when a file cannot be read, is wrong, or asks for what this release lacks.
 */
export function loadConfig(file: string | null): Config {
  const source = file === null ? null : readTopLevel(file)
  const config = parseConfig(source, readConfigDirectory, { environment: process.env, readSecret })
  assertSupported(config)
  return config
}

/**
 * Finds everything that is wrong with a configuration file, not only what comes first.
 *
 * @returns The errors in the order of the lines; and what it would warn of, when there are none.
 */
export function checkConfig(file: string): {
  problems: readonly ConfigError[]
  warnings: readonly ConfigWarning[]
} {
  const problems: ConfigError[] = []
  try {
    const surroundings = { environment: process.env, readSecret, problems }
    const config = parseConfig(readTopLevel(file), readConfigDirectory, surroundings)
    assertSupported(config)
    return { problems, warnings: config.warnings }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { problems: [...problems, error], warnings: [] }
  }
}

const SECRET_BYTES_MAX = 65_535

function readSecret(file: string): string {
  let text: string
  try {
    text = readWhole(file).toString('utf8')
  } catch (error) {
    throw new ValueError(`Unable to open "${file}": ${reason(error)}.`)
  }
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '' || /[\r\n\0]/.test(secret) || secret.length > SECRET_BYTES_MAX)
    throw new ValueError(`The file "${file}" must hold one line of text and nothing else.`)
  return secret
}

function readTopLevel(file: string): ConfigSource {
  try {
    return { file, bytes: readWhole(file) }
  } catch (error) {
    throw new ConfigError(`Unable to open configuration file "${file}": ${reason(error)}.`, {
      file,
      line: 0,
    })
  }
}

/** The `*.conf` files of a directory, links followed, in the order of {@link compareFileNames}. */
function readConfigDirectory(directory: string): ConfigSource[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    throw new ValueError(`Unable to open include directory "${directory}": ${reason(error)}.`)
  }
  return names
    .filter((name) => name.endsWith('.conf') && name.length > '.conf'.length)
    .sort(compareFileNames)
    .map((name) => readIncluded(join(directory, name)))
}

function readIncluded(file: string): ConfigSource {
  try {
    return { file, bytes: readWhole(file) }
  } catch (error) {
    throw new ValueError(`Unable to open configuration file "${file}": ${reason(error)}.`)
  }
}

/** Without regard to case; of two names that differ in case alone, upper case first. */
export function compareFileNames(left: string, right: string): number {
  return compare(left.toLowerCase(), right.toLowerCase()) || compare(left, right)
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : error
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'ENOTDIR') return 'it is not a directory'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EPIPE' || code === 'EFBIG') return (error as Error).message
  return String(code)
}
