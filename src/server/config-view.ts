/** The configuration in force as rows: every option's value, and where it comes from. What is secret stays hidden. */
import type { ConfigReply } from '../admin/schemas-broker.ts'
import type { BridgeConfig, Config, ListenerConfig, OptionPlace } from '../config/config.ts'
import { DIRECTIVES } from '../config/directives.ts'
import type { OptionRow, OptionTable } from '../config/option.ts'
import { BRIDGE_TABLE, GLOBAL_TABLE, LISTENER_TABLE } from '../config/option-table.ts'
import { PER_LISTENER_KEYS } from '../config/options-global.ts'
import { listenerName } from '../config/reload.ts'
import type { Environment } from '../config/environment.ts'

type Row = ConfigReply['rows'][number]
type Places = ReadonlyMap<string, OptionPlace>

/** What the command line said beside the file. */
export interface Launch {
  readonly logging: 'all' | 'none' | null
  readonly memoryOnly: boolean
}

const COMMAND_LINE: OptionPlace = { file: '', line: 0, from: 'commandLine' }
const ENVIRONMENT: OptionPlace = { file: '', line: 0, from: 'environment' }

export function configRows(config: Config, launch: Launch, environment: Environment): Row[] {
  const security = new Map(PER_LISTENER_KEYS.map((key) => [key, GLOBAL_TABLE[key]] as const))
  return [
    ...rowsOf('global', '', GLOBAL_TABLE, config.global, globalPlaces(config, launch, environment)),
    ...config.listeners.flatMap((listener) => listenerRows(config, listener, security)),
    ...config.bridges.flatMap((bridge: BridgeConfig) =>
      rowsOf('bridge', bridge.name, BRIDGE_TABLE, bridge, bridge.places),
    ),
  ]
}

function globalPlaces({ places }: Config, launch: Launch, environment: Environment): Places {
  const { logging, memoryOnly } = launch
  return new Map([
    ...places,
    ...((environment['MOSQUITTO_PERSISTENCE_LOCATION'] ?? '') === ''
      ? []
      : [['persistenceLocation', ENVIRONMENT] as const]),
    ...(logging === null ? [] : [['logTypes', COMMAND_LINE] as const]),
    ...(memoryOnly ? [['persistence', COMMAND_LINE] as const] : []),
  ])
}

/** Its own options, and of the global ones those that `per_listener_settings` makes its own. */
function listenerRows(
  { global }: Config,
  listener: ListenerConfig,
  security: ReadonlyMap<string, OptionRow<unknown>>,
): Row[] {
  const name = listenerName(listener)
  const { places } = listener
  const values = listener as unknown as Readonly<Record<string, unknown>>
  const own = [listenerRow(listener), ...rowsOf('listener', name, LISTENER_TABLE, values, places)]
  if (!global.perListenerSettings) return own
  return [...own, ...rowsOf('listener', name, Object.fromEntries(security), values, places)]
}

/** Where it listens: a line of its own, or the command line, or what is done without both. */
function listenerRow(listener: ListenerConfig): Row {
  const { location, places } = listener
  const name = listenerName(listener)
  return {
    section: 'listener',
    of: name,
    option: 'listener',
    value: name,
    from: location === null ? (places.get('port')?.from ?? 'default') : 'file',
    file: location?.file ?? null,
    line: location?.line ?? null,
    reload: false,
    summary: DIRECTIVES.find(({ name: word }) => word === 'listener')?.summary ?? '',
  }
}

function rowsOf(
  section: Row['section'],
  of: string,
  table: OptionTable,
  values: object,
  places: Places,
): Row[] {
  return Object.entries(table).map(([key, row]) => {
    const value = (values as Readonly<Record<string, unknown>>)[key]
    const { file, line, from } = places.get(key) ?? { file: '', line: 0, from: 'default' as const }
    return {
      section,
      of,
      option: row.name,
      value: row.secret && isSet(value) ? null : shown(row, value),
      from,
      file: file === '' ? null : file,
      line: file === '' ? null : line,
      reload: row.reload,
      summary: row.summary,
    }
  })
}

const isSet = (value: unknown): boolean => value !== null && value !== undefined && value !== ''

/** Names and passwords within addresses. */
const CREDENTIALS = /\/\/[^/@\s]*@/g

function shown(row: OptionRow<unknown>, value: unknown): string {
  if (!isSet(value)) return ''
  const text = row.type.show?.(value) ?? plain(value)
  return text.replace(CREDENTIALS, '//…@')
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
