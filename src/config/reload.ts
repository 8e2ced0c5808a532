import type { Config, ListenerConfig } from './config.ts'
import { sameValue, type OptionTable } from './option.ts'
import { globalTable, listenerTable } from './option-table.ts'

/** One option whose value differs between two configurations. */
export interface ConfigChange {
  /** The option's name in the file. */
  readonly option: string
  /** The listener it belongs to (`1883`, `1883 127.0.0.1`, a socket path); null: global. */
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
    ...diffValues(globalTable, before.global, after.global, null),
    ...diffListeners(before.listeners, after.listeners),
    ...change('connection', null, before.bridges, after.bridges, true),
    ...change('plugin', null, before.plugins, after.plugins, false),
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
      ...diffValues(listenerTable, old, now, name),
      ...change('allow_anonymous', name, old.allowAnonymous, now.allowAnonymous, true),
      ...change(
        'allow_zero_length_clientid',
        name,
        old.allowZeroLengthClientId,
        now.allowZeroLengthClientId,
        true,
      ),
      ...change('auto_id_prefix', name, old.autoIdPrefix, now.autoIdPrefix, true),
    ]
  })
}

function diffValues<Table extends OptionTable>(
  table: Table,
  before: { readonly [Key in keyof Table]: unknown },
  after: { readonly [Key in keyof Table]: unknown },
  listener: string | null,
): ConfigChange[] {
  return Object.entries(table).flatMap(([key, row]) =>
    change(row.name, listener, before[key], after[key], row.reload),
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
