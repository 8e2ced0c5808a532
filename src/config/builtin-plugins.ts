/** Plugins of mosquitto 2.1 whose work we do ourselves: their lines mean the same as options of old. */
import { ConfigError } from './config-error.ts'
import type { PluginDraft } from './parse-state.ts'

/** Plugin file name to the one option it has, and the key of the values it stands for. */
const builtins = new Map([
  ['mosquitto_password_file', { option: 'password_file', key: 'passwordFile' }],
  ['mosquitto_acl_file', { option: 'acl_file', key: 'aclFile' }],
] as const)

export type PluginFileKey = 'passwordFile' | 'aclFile'

/** The option that a plugin of ours has; null: it is none of ours. */
export function builtinPluginOption(path: string): string | null {
  return builtinOf(path)?.option ?? null
}

function builtinOf(path: string) {
  // Anchored at both ends: a search for the name in the whole path takes the square of its length.
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  const [, name = ''] = /^(.+)\.(?:so|dll|dylib)$/.exec(file) ?? []
  for (const [known, builtin] of builtins) if (known === name) return builtin
  return null
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
    if (builtin?.key !== key) continue
    const named = options.find(([option]) => option === builtin.option)?.[1]
    if (named === undefined)
      throw new ConfigError(`This plugin needs "plugin_opt_${builtin.option} FILE".`, location)
    if (file !== null && file !== named)
      throw new ConfigError(
        `There is another "${builtin.option}" already: only one counts.`,
        location,
      )
    file = named
  }
  return file
}
