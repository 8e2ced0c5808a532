/** Plugins of mosquitto 2.1 whose work we do ourselves: their lines mean the same as options of old. */
import { ConfigError } from './config-error.ts'
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

/** The options that a plugin of ours has; null: it is none of ours. */
export function builtinPluginOptions(path: string): readonly string[] | null {
  const builtin = builtinOf(path)
  return builtin === null ? null : [builtin.option, ...Object.keys(builtin.others)]
}

function builtinOf(path: string): BuiltinPlugin | null {
  // Anchored at both ends: a search for the name in the whole path takes the square of its length.
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  const [, name = ''] = /^(.+)\.(?:so|dll|dylib)$/.exec(file) ?? []
  return BUILTINS.get(name) ?? null
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
