/** Reads a configuration, line by line. */
import { ConfigError, ValueError } from './config-error.ts'
import type { Config, OptionPlace } from './config.ts'
import { needsListener } from './directives.ts'
import { expandVariables } from './environment.ts'
import { configLines, type ConfigLine } from './lexer.ts'
import { nearestName } from '../base/nearest-name.ts'
import { sameValue, type OptionRow, type SectionValues } from './option.ts'
import { findOption, OPTION_NAMES, type KnownOption } from './option-table.ts'
import { PER_LISTENER_KEYS } from './options-global.ts'
import {
  defaultListener,
  here,
  newFileContext,
  newParseState,
  noteEffect,
  warnOnce,
  type ConfigSource,
  type DirectoryReader,
  type FileContext,
  type ParseState,
  type Surroundings,
} from './parse-state.ts'
import { resolveConfig } from './resolve.ts'
import { path } from './value-types.ts'

type ValueOption = Extract<KnownOption, { kind: 'value' }>

/**
 * Reads a configuration: the rules of mosquitto.conf 2.1, no file system.
 *
 * An option that this release must not ignore is listed in `refused` and is no error here: see
 * `assertSupported`.
 *
 * @param source The top-level file; null stands for "no configuration file".
 * @param readDirectory What `include_dir` lines read.
 * @param surroundings Environment variables and secrets in files; absent: there are none.
 * @throws ConfigError at the first thing that is wrong.
 */
export function parseConfig(
  source: ConfigSource | null,
  readDirectory: DirectoryReader,
  surroundings?: Surroundings,
): Config {
  const state = newParseState(readDirectory, surroundings)
  if (source !== null) parseFile(state, source, true)
  return resolveConfig(state)
}

const INSTEAD_OF_PLUGINS =
  'Instead of a plugin: "password_file" and "acl_file" for users and rights in files, "auth_http_url" for a program ' +
  'that is asked about both (docs/security.md), a program around the library for all else. ' +
  "mosquitto's mosquitto_password_file, mosquitto_acl_file and mosquitto_dynamic_security work as they are, " +
  'and so does mosquitto-go-auth with its backends files, http and jwt.'

/** @throws ConfigError that names every option of the configuration that this release lacks. */
export function assertSupported(config: Config): void {
  const first = config.refused.at(0)
  if (first === undefined) return
  const others = new Set(config.refused.map(({ option }) => option))
  others.delete(first.option)
  const tail = others.size === 0 ? '' : ` Nor are: ${[...others].join(', ')}.`
  const instead = /plugin|_opt_/.test(first.option) ? ` ${INSTEAD_OF_PLUGINS}` : ''
  throw new ConfigError(
    `"${first.option}" is not supported in this release, ` +
      `and without it the broker would be more open than this file asks for.${tail}${instead}`,
    first,
  )
}

function parseFile(state: ParseState, { file, bytes }: ConfigSource, topLevel: boolean): void {
  state.loadedFiles.push(file)
  const context = newFileContext(file, topLevel)
  for (const configLine of configLines(file, bytes)) {
    context.line = configLine.line
    try {
      applyLine(state, context, configLine)
    } catch (error) {
      noteError(state, context, error)
    }
  }
}

/** Whoever gave the wrong file wants to know that, not all of its lines. */
const PROBLEMS_MAX = 100

/** Throws what is wrong with a line, or notes it for later. */
function noteError(state: ParseState, context: FileContext, error: unknown): void {
  const wrong = error instanceof ValueError ? new ConfigError(error.message, here(context)) : error
  const { problems } = state.surroundings
  if (!(wrong instanceof ConfigError) || problems === undefined) throw wrong
  if (problems.length >= PROBLEMS_MAX)
    throw new ConfigError('Too many errors; nothing behind this line was looked at', here(context))
  problems.push(wrong)
}

function applyLine(state: ParseState, context: FileContext, line: ConfigLine): void {
  const { name } = line
  const { environment, readSecret } = state.surroundings
  let rest = expandVariables(line.rest, environment)
  let known = findOption(name)
  if (known === undefined) {
    known = findSecretFile(name)
    if (known === undefined) throw unknownOption(name)
    rest = readSecret(path.read(name, rest))
  }
  if (known.kind === 'include') return includeDirectory(state, context, name, rest)
  if (known.kind === 'directive') return known.row.apply(state, context, name, rest)
  const { values: section, places } = findSection(state, context, known, name)
  const value = readValue(section, known, name, rest)
  noteWhatItAsks(state, context, known.row, value)
  const isVariable = rest !== line.rest && line.rest.includes('${')
  places.set(known.key, { ...here(context), from: isVariable ? 'environment' : 'file' })
  if (known.key === 'perListenerSettings') return setPerListenerSettings(state, context, value)
  if (isPerListener(known.key) && known.scope === 'global') state.securityRead = true
  section.set(known.key, value)
}

const FILE_SUFFIX = '_file'

/** `remote_password_file PATH`: the value of a secret option, out of a file of its own. */
function findSecretFile(name: string): ValueOption | undefined {
  if (!name.endsWith(FILE_SUFFIX)) return undefined
  const known = findOption(name.slice(0, -FILE_SUFFIX.length))
  return known?.kind === 'value' && known.row.secret ? known : undefined
}

function unknownOption(name: string): ValueError {
  if (name.includes('\t'))
    return new ValueError(
      `Unknown configuration variable "${name.replaceAll('\t', '\\t')}": ` +
        'a space, not a tab, separates a name from its value.',
    )
  if (name.startsWith('#'))
    return new ValueError(
      `Unknown configuration variable "${name}": a comment begins in the first column.`,
    )
  const nearest = nearestName(name, OPTION_NAMES)
  const hint = nearest === null ? '.' : `; did you mean "${nearest}"?`
  return new ValueError(`Unknown configuration variable "${name}"${hint}`)
}

function includeDirectory(
  state: ParseState,
  context: FileContext,
  name: string,
  rest: string,
): void {
  const directory = path.read(name, rest)
  if (!context.topLevel)
    throw new ValueError(`"${name}" cannot stand in a file that was itself included.`)
  for (const source of state.readDirectory(directory)) parseFile(state, source, false)
}

function isPerListener(key: string): boolean {
  return PER_LISTENER_KEYS.some((each) => each === key)
}

/** Values of options, and where they stand. */
interface Section {
  readonly values: SectionValues
  readonly places: Map<string, OptionPlace>
}

/** Where the value belongs. @throws ValueError when the line stands outside its section. */
function findSection(
  state: ParseState,
  context: FileContext,
  { scope, key, row }: ValueOption,
  name: string,
): Section {
  if (scope === 'bridge') {
    if (context.bridge !== null) return context.bridge
    throw new ValueError(`"${name}" needs a "connection" line before it in the same file.`)
  }
  if (scope === 'global') {
    const moved = isPerListener(key) && state.global.get('perListenerSettings') === true
    if (!moved) return { values: state.global, places: state.places }
    const listener = context.listener ?? useDefaultListener(state, context, name)
    return { values: listener.security, places: listener.places }
  }
  if (context.listener !== null) return context.listener
  if (row.beforeListener === 'error') throw needsListener(name)
  return useDefaultListener(state, context, name)
}

function useDefaultListener(state: ParseState, context: FileContext, name: string) {
  const text = `"${name}" stands before any "listener" line: it belongs to the default listener.`
  warnOnce(state, context, `before listener ${name}`, text, 'information')
  return defaultListener(state, context)
}

function readValue(
  section: SectionValues,
  { key, row }: ValueOption,
  name: string,
  rest: string,
): unknown {
  const value = row.type.read(name, rest)
  if (row.type.merge) return row.type.merge(name, section.get(key), value)
  if (row.repeat === 'error' && section.has(key))
    throw new ValueError(`Duplicate "${name}" value in configuration.`)
  return value
}

/** An option that only says what is so anyway needs no warning, and no refusal. */
function noteWhatItAsks(
  state: ParseState,
  context: FileContext,
  row: OptionRow<unknown>,
  value: unknown,
): void {
  if (!sameValue(value, row.default)) noteEffect(state, context, row, row.warning(value))
}

function setPerListenerSettings(state: ParseState, context: FileContext, value: unknown): void {
  if (value === true && state.securityRead && state.global.get('perListenerSettings') !== true)
    throw new ValueError('"per_listener_settings" must stand before all other security options.')
  if (value === false && state.global.get('perListenerSettings') === true) {
    const text = '"per_listener_settings" cannot be taken back: it stays true.'
    return warnOnce(state, context, 'per_listener_settings', text)
  }
  state.global.set('perListenerSettings', value)
}
