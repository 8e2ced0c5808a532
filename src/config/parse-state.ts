/** A configuration while it is being read. */
import { ValueError, type ConfigError, type ConfigLocation } from './config-error.ts'
import type { ConfigWarning, OptionPlace, RefusedOption } from './config.ts'
import type { Environment } from './environment.ts'
import type { OptionInfo, SectionValues } from './option.ts'

/** A listener while its lines are being read. */
export interface ListenerDraft {
  port: number
  host: string | null
  socketPath: string | null
  readonly values: SectionValues
  /** Global security options that per_listener_settings moved here. */
  readonly security: SectionValues
  /** Where each of its options stands, by key. */
  readonly places: Map<string, OptionPlace>
  /** Plugins of this listener alone. */
  readonly plugins: PluginDraft[]
  readonly location: ConfigLocation
}

export interface BridgeDraft {
  readonly name: string
  readonly values: SectionValues
  readonly places: Map<string, OptionPlace>
  readonly location: ConfigLocation
}

export interface PluginDraft {
  readonly path: string
  readonly name: string | null
  readonly options: [string, string][]
  readonly location: ConfigLocation
}

/** All that was read so far, over all files. */
export interface ParseState {
  readonly global: SectionValues
  /** Where the global options stand, by key. */
  readonly places: Map<string, OptionPlace>
  readonly listeners: ListenerDraft[]
  /** What `port`, `bind_address` and options before the first `listener` line edit. */
  defaultListener: ListenerDraft | null
  /** `port` or `bind_address` was read. */
  defaultListenerAsked: boolean
  /** Some line asked for a listener: the broker is not confined to loopback. */
  listening: boolean
  /** A security option was read: too late for per_listener_settings. */
  securityRead: boolean
  readonly bridges: BridgeDraft[]
  readonly plugins: PluginDraft[]
  /** Those of them that count for every listener. */
  readonly globalPlugins: PluginDraft[]
  readonly warnings: ConfigWarning[]
  readonly warned: Set<string>
  readonly refused: RefusedOption[]
  readonly loadedFiles: string[]
  readonly readDirectory: DirectoryReader
  readonly surroundings: Surroundings
}

/** A configuration file's content. */
export interface ConfigSource {
  readonly file: string
  readonly bytes: Uint8Array
}

/**
 * The files that an `include_dir` line stands for, in order.
 *
 * @throws ValueError when the directory or one of them cannot be read.
 */
export type DirectoryReader = (path: string) => ConfigSource[]

/** What a file may refer to beside directories. */
export interface Surroundings {
  readonly environment: Environment
  /**
   * The one line of text in a file that holds a secret.
   *
   * @throws ValueError when it cannot be read or holds something else.
   */
  readSecret(path: string): string
  /** Where errors go, for whoever wants all of them; absent: the first one is thrown. */
  readonly problems?: ConfigError[]
}

const noSurroundings: Surroundings = {
  environment: {},
  readSecret(path) {
    throw new ValueError(`The file "${path}" cannot be read here.`)
  },
}

/**
 * What the next line of a file refers to. It lasts for one file: an included file begins without a
 * listener, bridge or plugin, and leaves none behind.
 */
export interface FileContext {
  readonly file: string
  readonly topLevel: boolean
  line: number
  listener: ListenerDraft | null
  bridge: BridgeDraft | null
  plugin: PluginDraft | null
}

export function newParseState(
  readDirectory: DirectoryReader,
  surroundings: Surroundings = noSurroundings,
): ParseState {
  return {
    global: new Map(),
    places: new Map(),
    listeners: [],
    defaultListener: null,
    defaultListenerAsked: false,
    listening: false,
    securityRead: false,
    bridges: [],
    plugins: [],
    globalPlugins: [],
    warnings: [],
    warned: new Set(),
    refused: [],
    loadedFiles: [],
    readDirectory,
    surroundings,
  }
}

export function newFileContext(file: string, topLevel: boolean): FileContext {
  return { file, topLevel, line: 0, listener: null, bridge: null, plugin: null }
}

export function here(context: FileContext): ConfigLocation {
  return { file: context.file, line: context.line }
}

export function newListenerDraft(port: number, location: ConfigLocation): ListenerDraft {
  return {
    port,
    host: null,
    socketPath: null,
    values: new Map(),
    security: new Map(),
    places: new Map(),
    plugins: [],
    location,
  }
}

export const MQTT_PORT = 1883

/** The default listener, made on first use. */
export function defaultListener(state: ParseState, context: FileContext): ListenerDraft {
  if (state.defaultListener === null) {
    state.defaultListener = newListenerDraft(MQTT_PORT, here(context))
    state.listeners.push(state.defaultListener)
  }
  return state.defaultListener
}

/** Adds a line for the log, once for each `key`. */
export function warnOnce(
  state: ParseState,
  context: FileContext,
  key: string,
  text: string,
  level: ConfigWarning['level'] = 'warning',
): void {
  if (state.warned.has(key)) return
  state.warned.add(key)
  state.warnings.push({ level, text, ...here(context) })
}

/** Says or records what this release makes of an option that asks for something. */
export function noteEffect(
  state: ParseState,
  context: FileContext,
  info: OptionInfo,
  warning: string | null = null,
): void {
  const { name, effect } = info
  if (effect === 'refuse') state.refused.push({ option: name, ...here(context) })
  const standard =
    effect === 'later'
      ? `"${name}" is accepted but has no effect in this release.`
      : effect === 'never'
        ? `"${name}" no longer has any effect; the line can go.`
        : null
  const text = warning ?? standard
  if (text !== null) warnOnce(state, context, name, text)
}
