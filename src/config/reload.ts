/** The difference of two configurations. */
import type { BridgeConfig, Config, ListenerConfig, PluginConfig } from './config.ts'
import { sameValue, type OptionTable } from './option.ts'
import { BRIDGE_TABLE, GLOBAL_TABLE, LISTENER_TABLE } from './option-table.ts'
import { PER_LISTENER_KEYS } from './options-global.ts'

/** One option whose value differs between two configurations. */
export interface ConfigChange {
  /** The option's name in the file. */
  readonly option: string
  /** The listener (`1883`, `1883 127.0.0.1`, a socket path) or bridge it belongs to; null: global. */
  readonly listener: string | null
  readonly before: unknown
  readonly after: unknown
  /** Whether a running broker can take it over. */
  readonly reloadable: boolean
}

/**
 * What SIGHUP would change. Listeners are matched by port and host, or by socket path; a new or
 * missing one shows as a change of `listener` that is not reloadable.
 */
export function diffConfig(before: Config, after: Config): ConfigChange[] {
  return [
    ...diffValues(GLOBAL_TABLE, before.global, after.global, null),
    ...diffListeners(before.listeners, after.listeners),
    ...diffBridges(before.bridges, after.bridges),
    ...diffPlugins(before.plugins, after.plugins),
  ]
}

function diffListeners(
  before: readonly ListenerConfig[],
  after: readonly ListenerConfig[],
): ConfigChange[] {
  const left = new Map(before.map((listener) => [listenerName(listener), listener]))
  const right = new Map(after.map((listener) => [listenerName(listener), listener]))
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name) => {
    const old = left.get(name)
    const now = right.get(name)
    if (old === undefined || now === undefined)
      return change('listener', name, old && name, now && name, false)
    return [
      ...diffGoAuth(name, old, now),
      ...diffValues(LISTENER_TABLE, old, now, name),
      ...PER_LISTENER_KEYS.flatMap((key) =>
        change(GLOBAL_TABLE[key].name, name, old[key], now[key], true),
      ),
    ]
  })
}

/** Without its values: there may be secrets among them. */
function diffGoAuth(name: string, old: ListenerConfig, now: ListenerConfig): ConfigChange[] {
  const found = change('auth_opt_*', name, old.goAuth, now.goAuth, true)
  return found.map((each) => ({ ...each, before: HIDDEN, after: HIDDEN }))
}

/** Bridges by their names: their settings hold passwords. */
function diffBridges(
  before: readonly BridgeConfig[],
  after: readonly BridgeConfig[],
): ConfigChange[] {
  const bridgesNamed = (name: string, list: readonly BridgeConfig[]) =>
    list.find((bridge) => bridge.name === name)
  const names = new Set([...before, ...after].map(({ name }) => name))
  return [...names].flatMap((name) => {
    const old = bridgesNamed(name, before)
    const now = bridgesNamed(name, after)
    if (old === undefined || now === undefined)
      return change('connection', name, old && name, now && name, true)
    const { location: _old, ...left } = old
    const { location: _new, ...right } = now
    return diffValues(BRIDGE_TABLE, left, right, name)
  })
}

/** Told by their paths alone: only a plugin knows which of its options are secret. */
function diffPlugins(
  before: readonly PluginConfig[],
  after: readonly PluginConfig[],
): ConfigChange[] {
  const pathsOf = (plugins: readonly PluginConfig[]) => plugins.map(({ path }) => path)
  return change('plugin', null, before, after, false).map((found) => ({
    ...found,
    before: pathsOf(before),
    after: pathsOf(after),
  }))
}

const HIDDEN = '(secret)'

function diffValues<Table extends OptionTable>(
  table: Table,
  before: { readonly [Key in keyof Table]: unknown },
  after: { readonly [Key in keyof Table]: unknown },
  listener: string | null,
): ConfigChange[] {
  return Object.entries(table).flatMap(([key, row]) =>
    change(row.name, listener, before[key], after[key], row.reload).map((found) =>
      row.secret ? { ...found, before: HIDDEN, after: HIDDEN } : found,
    ),
  )
}

function change(
  option: string,
  listener: string | null,
  before: unknown,
  after: unknown,
  reloadable: boolean,
): ConfigChange[] {
  return sameValue(before, after) ? [] : [{ option, listener, before, after, reloadable }]
}

/** How messages name a listener: as its line in the file does. */
export function listenerName({ port, host, socketPath }: ListenerConfig): string {
  if (socketPath !== null) return socketPath
  return host === null ? String(port) : `${port} ${host}`
}
