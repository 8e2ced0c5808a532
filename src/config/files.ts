import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, ValueError } from './config-error.ts'
import type { Config } from './config.ts'
import { assertSupported, parseConfig } from './parse.ts'
import type { ConfigSource } from './parse-state.ts'

/**
 * Reads a configuration file and what it includes.
 *
 * @param file Path of the file; null: no file, the defaults (local-only mode).
 * @throws ConfigError when a file cannot be read, is wrong, or asks for what this release lacks.
 */
export function loadConfig(file: string | null): Config {
  const source = file === null ? null : readTopLevel(file)
  const config = parseConfig(source, readConfigDirectory)
  assertSupported(config)
  return config
}

function readTopLevel(file: string): ConfigSource {
  try {
    return { file, bytes: readFileSync(file) }
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
    return { file, bytes: readFileSync(file) }
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
  return String(code)
}
