/** A configuration as the rest of the program sees it. */
import type { ConfigLocation } from './config-error.ts'
import type { GoAuthConfig } from './go-auth.ts'
import type { Values } from './option.ts'
import type { BAN_OPTIONS } from './options-bans.ts'
import type { BRIDGE_OPTIONS, BRIDGE_TLS_OPTIONS } from './options-bridge.ts'
import type { CLUSTER_OPTIONS } from './options-cluster.ts'
import type { BROKER_OPTIONS, PerListenerKey } from './options-global.ts'
import type { LISTENER_OPTIONS, TLS_OPTIONS } from './options-listener.ts'
import type { LIMIT_OPTIONS } from './options-limits.ts'
import type { PROCESS_OPTIONS } from './options-process.ts'
import type { TOKEN_OPTIONS } from './options-token.ts'

/** Where the value of an option comes from. `environment`: a variable, which the line names if there is one. */
export interface OptionPlace extends ConfigLocation {
  readonly from: 'file' | 'environment' | 'commandLine'
}

/** Of the options of a section that do not have their default, by key. */
export type OptionPlaces = ReadonlyMap<string, OptionPlace>

/** Every global option by its key, defaults filled in. A limit of 0 is no limit. */
export type GlobalValues = Values<
  typeof BROKER_OPTIONS &
    typeof TOKEN_OPTIONS &
    typeof BAN_OPTIONS &
    typeof LIMIT_OPTIONS &
    typeof PROCESS_OPTIONS &
    typeof CLUSTER_OPTIONS
>

export type ListenerValues = Values<typeof LISTENER_OPTIONS & typeof TLS_OPTIONS>

export type BridgeValues = Values<typeof BRIDGE_OPTIONS & typeof BRIDGE_TLS_OPTIONS>

/** What the global and the listener's own settings come to. */
interface ListenerSecurity extends Omit<Pick<GlobalValues, PerListenerKey>, 'allowAnonymous'> {
  readonly allowAnonymous: boolean
}

/** A place where the broker listens, and the settings of the clients that come in there. */
export interface ListenerConfig extends ListenerValues, ListenerSecurity {
  /** 0 with a `socketPath`, 1 to 65535 without. */
  readonly port: number
  /** Host name or address; null: every address. */
  readonly host: string | null
  /** Path of a unix socket, or null. */
  readonly socketPath: string | null
  /** What the lines of mosquitto-go-auth ask for; null: there are none. */
  readonly goAuth: GoAuthConfig | null
  /** Where its options stand, by key; empty for those that no line sets. */
  readonly places: OptionPlaces
  /** Null for the listeners of local-only mode. */
  readonly location: ConfigLocation | null
}

export interface BridgeConfig extends BridgeValues {
  readonly name: string
  readonly places: OptionPlaces
  readonly location: ConfigLocation
}

/** A `plugin…` line with the options that follow it. */
export interface PluginConfig {
  readonly path: string
  /** The name that `plugin_load` gave it, to be used by `plugin_use`; else null. */
  readonly name: string | null
  /** `plugin_opt_KEY VALUE` lines as written, `KEY` first. */
  readonly options: readonly (readonly [string, string])[]
  readonly location: ConfigLocation
}

/** Something to log at start: nothing here keeps the broker from running. */
export interface ConfigWarning extends ConfigLocation {
  readonly level: 'warning' | 'information'
  readonly text: string
}

/** An option that is set but that this release must not ignore. */
export interface RefusedOption extends ConfigLocation {
  readonly option: string
}

/** A whole configuration, checked, with defaults filled in. */
export interface Config {
  readonly global: GlobalValues
  /** Of the global options. */
  readonly places: OptionPlaces
  readonly listeners: readonly ListenerConfig[]
  readonly bridges: readonly BridgeConfig[]
  readonly plugins: readonly PluginConfig[]
  /** No `listener`, `port` or `bind_address`: loopback only, anonymous clients welcome. */
  readonly localOnly: boolean
  readonly warnings: readonly ConfigWarning[]
  readonly refused: readonly RefusedOption[]
  /** In the order they were read. Empty without a configuration file. */
  readonly loadedFiles: readonly string[]
}
