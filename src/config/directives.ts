/** Lines of a configuration that open a section or change what listens. */
import { checkPluginOption, isBuiltinPlugin } from './builtin-plugins.ts'
import { ValueError } from './config-error.ts'
import { words, wordsBeforeComment } from './lexer.ts'
import type { OptionEffect, OptionInfo, OptionScope } from './option.ts'
import {
  defaultListener,
  here,
  MQTT_PORT,
  newListenerDraft,
  noteEffect,
  warnOnce,
  type FileContext,
  type PluginDraft,
  type ParseState,
} from './parse-state.ts'
import { emptyValue, path, readInteger, text } from './value-types.ts'

/** A line that does more than to set a value: it opens a section or changes what listens. */
export interface Directive extends OptionInfo {
  readonly scope: OptionScope
  /** What stands behind the name. */
  readonly describes: string
  /** @throws ValueError */
  apply(state: ParseState, context: FileContext, name: string, rest: string): void
}

interface DirectiveTraits {
  describes?: string
  own?: boolean
  scope?: OptionScope
  aliases?: string[]
  effect?: OptionEffect
  reload?: boolean
  deprecated?: boolean
  differs?: string
}

function directive(
  name: string,
  summary: string,
  apply: Directive['apply'],
  traits: DirectiveTraits = {},
): Directive {
  return {
    name,
    summary,
    scope: traits.scope ?? 'global',
    aliases: traits.aliases ?? [],
    effect: traits.effect ?? 'now',
    reload: traits.reload ?? false,
    deprecated: traits.deprecated ?? false,
    own: traits.own ?? false,
    describes: traits.describes ?? '',
    differs: traits.differs ?? null,
    apply(state, context, written, rest) {
      apply(state, context, written, rest)
      if (!isOurs(this, context)) noteEffect(state, context, this)
    },
  }
}

/** A line of a plugin whose work we do ourselves: nothing is missing. */
function isOurs({ scope, name }: Directive, { plugin }: FileContext): boolean {
  if (scope !== 'plugin' && name !== 'plugin_use') return false
  return plugin !== null && isBuiltinPlugin(plugin.path)
}

/** The longest path that fits a unix socket address, in bytes. */
const SOCKET_PATH_BYTES_MAX = 107

function openListener(state: ParseState, context: FileContext, name: string, rest: string): void {
  const [portWord, place, surplus] = wordsBeforeComment(rest)
  if (portWord === undefined) throw emptyValue(name)
  if (surplus !== undefined)
    throw new ValueError(`"${name}" takes a port and one address, not also "${surplus}".`)
  const port = readInteger(`${name} port`, portWord, 0, 65_535)
  if (port === 0 && place === undefined)
    throw new ValueError(`"${name} 0" needs the path of a unix socket.`)
  if (port === 0 && new TextEncoder().encode(place).length > SOCKET_PATH_BYTES_MAX)
    throw new ValueError(`The unix socket path is longer than ${SOCKET_PATH_BYTES_MAX} bytes.`)
  const listener = newListenerDraft(port, here(context))
  if (port === 0) listener.socketPath = place
  else listener.host = place ?? null
  state.listeners.push(listener)
  state.listening = true
  context.listener = listener
}

function setDefaultPort(state: ParseState, context: FileContext, name: string, rest: string): void {
  const word = words(rest).at(0)
  if (word === undefined) throw emptyValue(name)
  const port = readInteger(name, word, 1, 65_535)
  const listener = defaultListener(state, context)
  if (listener.port !== MQTT_PORT && listener.port !== port)
    warnOnce(state, context, name, `"${name}" is set twice: the last one counts.`)
  listener.port = port
  // From here on the file is about this listener, unless it has had a `listener` line before.
  context.listener ??= listener
  state.defaultListenerAsked = true
  state.listening = true
}

function setBindAddress(state: ParseState, context: FileContext, name: string, rest: string): void {
  const host = text('host').read(name, rest)
  const listener = defaultListener(state, context)
  if (listener.host !== null) throw new ValueError(`Duplicate "${name}" value in configuration.`)
  listener.host = host
  state.defaultListenerAsked = true
  state.listening = true
}

function openBridge(state: ParseState, context: FileContext, name: string, rest: string): void {
  const bridgeName = text().read(name, rest)
  if (state.bridges.some((bridge) => bridge.name === bridgeName))
    throw new ValueError(`Duplicate "${name}" value in configuration: "${bridgeName}".`)
  context.bridge = {
    name: bridgeName,
    values: new Map(),
    places: new Map(),
    location: here(context),
  }
  state.bridges.push(context.bridge)
}

function openPlugin(state: ParseState, context: FileContext, name: string, rest: string): void {
  const pluginPath = path.read(name, rest)
  const plugin = addPlugin(state, context, null, pluginPath)
  const isListeners = name !== 'global_plugin' && state.global.get('perListenerSettings') === true
  if (!isListeners) state.globalPlugins.push(plugin)
  else (context.listener ?? defaultListener(state, context)).plugins.push(plugin)
}

function loadPlugin(state: ParseState, context: FileContext, name: string, rest: string): void {
  const [pluginName] = words(rest)
  if (pluginName === undefined) throw emptyValue(name)
  const behindName = rest.slice(rest.indexOf(pluginName) + pluginName.length)
  addPlugin(state, context, pluginName, path.read(`${name} path`, behindName))
}

function addPlugin(
  state: ParseState,
  context: FileContext,
  name: string | null,
  pluginPath: string,
): PluginDraft {
  const plugin = { name, path: pluginPath, options: [], location: here(context) }
  context.plugin = plugin
  state.plugins.push(plugin)
  return plugin
}

function usePlugin(state: ParseState, context: FileContext, name: string, rest: string): void {
  const pluginName = text().read(name, rest)
  if (context.listener === null) throw needsListener(name)
  const plugin = state.plugins.find((candidate) => candidate.name === pluginName)
  if (plugin === undefined)
    throw new ValueError(`"${name}" names "${pluginName}", which no "plugin_load" line loaded.`)
  context.listener.plugins.push(plugin)
  context.plugin = plugin
}

/** The options of plugins carry their key in their name. */
export const PLUGIN_OPTION_PREFIXES = ['plugin_opt_', 'auth_opt_']

function setPluginOption(
  _state: ParseState,
  context: FileContext,
  name: string,
  rest: string,
): void {
  const prefix = PLUGIN_OPTION_PREFIXES.find((candidate) => name.startsWith(candidate)) ?? ''
  const key = name.slice(prefix.length)
  if (key === '') throw new ValueError(`"${name}" lacks the name of the plugin's option.`)
  const value = text().read(name, rest)
  if (context.plugin === null)
    throw new ValueError(`"${name}" needs a "plugin" line before it in the same file.`)
  checkPluginOption(context.plugin.path, key)
  context.plugin.options.push([key, value])
}

export function needsListener(name: string): ValueError {
  return new ValueError(`"${name}" needs a "listener" line before it in the same file.`)
}

const REFUSED_PLUGIN = { scope: 'plugin', effect: 'refuse', describes: 'PATH' } as const

/** All directives but `include_dir`, which needs the parser itself. */
export const DIRECTIVES: readonly Directive[] = [
  directive('listener', 'Listens on PORT [HOST], or on the unix socket 0 PATH.', openListener, {
    scope: 'listener',
    describes: 'PORT [HOST] | 0 PATH',
  }),
  directive('port', 'Port of the default listener.', setDefaultPort, {
    describes: '1 to 65535',
    deprecated: true,
  }),
  directive('bind_address', 'Address of the default listener.', setBindAddress, {
    describes: 'host',
    deprecated: true,
  }),
  directive('connection', 'Begins a bridge to another broker.', openBridge, {
    describes: 'NAME',
    scope: 'bridge',
    reload: true,
  }),
  directive('plugin', 'Loads a plugin.', openPlugin, REFUSED_PLUGIN),
  directive('auth_plugin', 'Loads a plugin.', openPlugin, { ...REFUSED_PLUGIN, deprecated: true }),
  directive('global_plugin', 'Loads a plugin for all listeners.', openPlugin, REFUSED_PLUGIN),
  directive('plugin_load', 'Loads a plugin under a name.', loadPlugin, REFUSED_PLUGIN),
  directive('plugin_use', 'Uses a loaded plugin for the listener above.', usePlugin, {
    ...REFUSED_PLUGIN,
    scope: 'listener',
  }),
  directive('plugin_opt_*', 'An option of the plugin above.', setPluginOption, REFUSED_PLUGIN),
  directive('auth_opt_*', 'An option of the plugin above.', setPluginOption, {
    ...REFUSED_PLUGIN,
    deprecated: true,
  }),
]
