/** Plugins of mosquitto 2.1 whose work we do ourselves: their lines mean the same as options of old. */
import { ConfigError, ValueError } from './config-error.ts'
import { goAuthWarnings, isGoAuth, readGoAuth, type GoAuthConfig } from './go-auth.ts'
import { checkGoAuthOption } from './go-auth-options.ts'
import type { PluginDraft } from './parse-state.ts'

interface BuiltinPlugin {
  /** The option that names its file, and the key of the value that it stands for. */
  readonly option: string
  readonly key: 'passwordFile' | 'aclFile' | 'dynamicSecurityFile'
  /** Options that it need not have. */
  readonly others: Readonly<Record<string, PluginFileKey>>
}

/** By the plugin's file name. */
const BUILTINS = new Map<string, BuiltinPlugin>([
  ['mosquitto_password_file', { option: 'password_file', key: 'passwordFile', others: {} }],
  ['mosquitto_acl_file', { option: 'acl_file', key: 'aclFile', others: {} }],
  [
    'mosquitto_dynamic_security',
    {
      option: 'config_file',
      key: 'dynamicSecurityFile',
      others: { password_init_file: 'dynamicSecurityPasswordFile' },
    },
  ],
])

export type PluginFileKey = BuiltinPlugin['key'] | 'dynamicSecurityPasswordFile'

/** Whether we do the work of the plugin at `path`. */
export function isBuiltinPlugin(path: string): boolean {
  return builtinOf(path) !== null || isGoAuth(nameOf(path))
}

/** @throws ValueError when `key` is none of the options of a plugin of ours. */
export function checkPluginOption(path: string, key: string): void {
  if (isGoAuth(nameOf(path))) return checkGoAuthOption(key)
  const builtin = builtinOf(path)
  if (builtin === null) return
  const known = [builtin.option, ...Object.keys(builtin.others)]
  if (!known.includes(key))
    throw new ValueError(`This plugin has no option "${key}", only "${known.join('", "')}".`)
}

function builtinOf(path: string): BuiltinPlugin | null {
  return BUILTINS.get(nameOf(path)) ?? null
}

function nameOf(path: string): string {
  // Anchored at both ends: a search for the name in the whole path takes the square of its length.
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  const [, name = ''] = /^(.+)\.(?:so|dll|dylib)$/.exec(file) ?? []
  return name
}

/**
 * What mosquitto-go-auth is to do; null: it is not there.
 *
 * @param others Names of options that decide about logins and rights as well: whatever they say, it would not be what their owner
 * expects.
 * @throws ConfigError
 */
export function goAuthOf(
  plugins: readonly PluginDraft[],
  others: readonly string[],
): GoAuthConfig | null {
  const [found, another] = plugins.filter(({ path }) => isGoAuth(nameOf(path)))
  if (found === undefined) return null
  if (another !== undefined)
    throw new ConfigError('mosquitto-go-auth is here twice: only one counts.', another.location)
  if (others.length > 0)
    throw new ConfigError(
      `mosquitto-go-auth decides alone: take out "${others.join('", "')}", or the plugin.`,
      found.location,
    )
  return readGoAuth(found)
}

/** What the owners of go-auth's lines should know. */
export function warningsOfGoAuth(plugins: readonly PluginDraft[]) {
  const found = plugins.filter(({ path }) => isGoAuth(nameOf(path)))
  return found.flatMap((plugin) =>
    goAuthWarnings(readGoAuth(plugin), plugin).map((text) => ({
      level: 'warning' as const,
      text,
      ...plugin.location,
    })),
  )
}

/**
 * The file of one kind that plugins of ours name.
 *
 * @param configured What the option of the same kind names.
 * @throws ConfigError when a plugin names none, or they do not all name the same.
 */
export function pluginFile(
  key: PluginFileKey,
  plugins: readonly PluginDraft[],
  configured: string | null,
): string | null {
  let file = configured
  for (const { path, options, location } of plugins) {
    const builtin = builtinOf(path)
    const option = builtin === null ? undefined : optionOf(builtin, key)
    if (builtin === null || option === undefined) continue
    const named = options.find(([name]) => name === option)?.[1]
    if (named === undefined && builtin.key !== key) continue
    if (named === undefined)
      throw new ConfigError(`This plugin needs "plugin_opt_${option} FILE".`, location)
    if (file !== null && file !== named)
      throw new ConfigError(`There is another "${option}" already: only one counts.`, location)
    file = named
  }
  return file
}

function optionOf({ key: own, option, others }: BuiltinPlugin, key: PluginFileKey) {
  if (own === key) return option
  return Object.keys(others).find((other) => others[other] === key)
}
