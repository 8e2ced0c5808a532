/** All options in one table. */
import { DIRECTIVES, PLUGIN_OPTION_PREFIXES, type Directive } from './directives.ts'
import type { OptionInfo, OptionRow, OptionScope, OptionTable } from './option.ts'
import { BAN_OPTIONS } from './options-bans.ts'
import { BRIDGE_OPTIONS, BRIDGE_TLS_OPTIONS } from './options-bridge.ts'
import { CLUSTER_OPTIONS } from './options-cluster.ts'
import { BROKER_OPTIONS } from './options-global.ts'
import { LIMIT_OPTIONS } from './options-limits.ts'
import { LISTENER_OPTIONS, TLS_OPTIONS } from './options-listener.ts'
import { PROCESS_OPTIONS } from './options-process.ts'
import { TOKEN_OPTIONS } from './options-token.ts'

export const GLOBAL_TABLE = {
  ...BROKER_OPTIONS,
  ...TOKEN_OPTIONS,
  ...BAN_OPTIONS,
  ...LIMIT_OPTIONS,
  ...PROCESS_OPTIONS,
  ...CLUSTER_OPTIONS,
}
export const LISTENER_TABLE = { ...LISTENER_OPTIONS, ...TLS_OPTIONS }
export const BRIDGE_TABLE = { ...BRIDGE_OPTIONS, ...BRIDGE_TLS_OPTIONS }

/** What the name at the start of a line stands for. */
export type KnownOption =
  | {
      readonly kind: 'value'
      readonly scope: 'global' | 'listener' | 'bridge'
      readonly key: string
      readonly row: OptionRow<unknown>
    }
  | { readonly kind: 'directive'; readonly scope: OptionScope; readonly row: Directive }
  | { readonly kind: 'include'; readonly scope: 'global'; readonly row: OptionInfo }

const INCLUDE_DIRECTORY: OptionInfo = {
  name: 'include_dir',
  aliases: [],
  summary: 'Reads all files of a directory whose names end in .conf.',
  effect: 'now',
  reload: true,
  deprecated: false,
  own: false,
  differs: null,
}

function valueOptions(scope: 'global' | 'listener' | 'bridge', table: OptionTable): KnownOption[] {
  return Object.entries(table).map(([key, row]) => ({ kind: 'value', scope, key, row }))
}

/** Every option of mosquitto.conf, one row each. */
export const ALL_OPTIONS: readonly KnownOption[] = [
  { kind: 'include', scope: 'global', row: INCLUDE_DIRECTORY },
  ...DIRECTIVES.map((row): KnownOption => ({ kind: 'directive', scope: row.scope, row })),
  ...valueOptions('global', GLOBAL_TABLE),
  ...valueOptions('listener', LISTENER_TABLE),
  ...valueOptions('bridge', BRIDGE_TABLE),
]

const byName = new Map(
  ALL_OPTIONS.flatMap((known) =>
    [known.row.name, ...known.row.aliases].map((name) => [name, known] as const),
  ),
)

/** Every name and alias, with `*` in place of a plugin option's key. */
export const OPTION_NAMES: readonly string[] = [...byName.keys()]

/** The option that a line begins with, or undefined. */
export function findOption(name: string): KnownOption | undefined {
  const prefix = PLUGIN_OPTION_PREFIXES.find((candidate) => name.startsWith(candidate))
  return byName.get(prefix === undefined ? name : `${prefix}*`)
}
