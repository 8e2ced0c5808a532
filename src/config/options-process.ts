/** Options of the running process. */
import { defaultLogTypes, logDestinations, logTypes, type LogDestination } from './log-values.ts'
import { option } from './option.ts'
import { bool, choice, durationMs, int, path, text, type ValueType } from './value-types.ts'

const INT_MAX = 2_147_483_647
const STANDARD_ERROR: readonly LogDestination[] = [{ kind: 'stderr' }]

function warnOfForeignLogs(destinations: readonly LogDestination[]): string | null {
  const foreign = destinations.find(({ kind }) => kind === 'dlt' || kind === 'android')
  return foreign === undefined ? null : `"log_dest ${foreign.kind}" has no effect on this system.`
}

/** Options of an older broker that say nothing to us: any value, even none. */
const anything: ValueType<string> = {
  describes: 'anything',
  onceOnly: false,
  read: (_name, rest) => rest.trim(),
}

const THREADS_MAX = 31
const threadNumber = int(1, THREADS_MAX)

/** How many threads; 0: as many as there are processors. */
const threads: ValueType<number> = {
  describes: `1 to ${THREADS_MAX} | auto`,
  onceOnly: false,
  show: (value) => (value === 0 ? 'auto' : String(value)),
  read: (name, rest) => (rest.trim() === 'auto' ? 0 : threadNumber.read(name, rest)),
}

/** Options of the running process: log, user, pid file, $SYS; and those that only old files hold. */
export const PROCESS_OPTIONS = {
  user: option('user', 'Account to run as when started as root; "root" or nothing: stay root.', {
    type: { ...text('user name'), read: (_name, rest) => rest.trim() },
    default: 'mosquitto',
    reload: false,
    repeat: 'last',
  }),
  threadCount: option(
    'thread_count',
    'Threads that serve clients, each a whole core; auto: one a processor. See docs/threads.md.',
    { type: threads, default: 1, own: true, reload: false },
  ),
  pidFile: option('pid_file', 'File that holds the process id while the broker runs.', {
    type: path,
    default: null,
    reload: false,
  }),
  logDestinations: option('log_dest', 'Where log lines go; one line for each destination.', {
    type: logDestinations,
    default: STANDARD_ERROR,
    warning: warnOfForeignLogs,
  }),
  logTypes: option('log_type', 'What is logged; one line for each type.', {
    type: logTypes,
    default: defaultLogTypes,
  }),
  logFormat: option(
    'log_format',
    'json: one object a line, with time, level, message and what the line says.',
    { type: choice('text', 'json'), default: 'text' as const, own: true },
  ),
  logTimestamp: option('log_timestamp', 'Begins each log line with the time.', {
    type: bool,
    default: true,
  }),
  logTimestampFormat: option(
    'log_timestamp_format',
    'The time as strftime writes it. Unset: seconds since 1970.',
    { type: text('strftime format'), default: null },
  ),
  logFacility: option('log_facility', 'syslog facility local0 to local7. Unset: daemon.', {
    type: int(0, 7),
    default: null,
  }),
  connectionMessages: option('connection_messages', 'Logs clients that come and go.', {
    type: bool,
    default: true,
  }),
  sysIntervalMs: option('sys_interval', 'Seconds between two updates of $SYS; 0: no $SYS.', {
    type: durationMs('s', 0, 65_535),
    default: 10_000,
  }),
  setTcpNodelay: option('set_tcp_nodelay', 'Sends small packets at once. Always on here.', {
    differs: 'Always on: a burst of small messages would wait 40 ms otherwise.',
    type: bool,
    default: true,
    warning: '"set_tcp_nodelay false" has no effect: packets are always sent at once.',
  }),
  websocketsLogLevel: option('websockets_log_level', 'Log level of another websockets library.', {
    type: int(-INT_MAX, INT_MAX),
    default: 0,
    effect: 'never',
  }),
  authPluginDenySpecialChars: option(
    'auth_plugin_deny_special_chars',
    'Refuses "+" and "#" in the names that old plugins are asked about.',
    { type: bool, default: true, effect: 'never', deprecated: true },
  ),
  retryInterval: option('retry_interval', 'Once the time between two attempts to send.', {
    type: anything,
    default: null,
    effect: 'never',
  }),
  storeCleanInterval: option('store_clean_interval', 'Once the time between two clean-ups.', {
    type: anything,
    default: null,
    effect: 'never',
  }),
  dhparamFile: option('dhparamfile', 'Once the parameters of a TLS key exchange.', {
    type: anything,
    default: null,
    effect: 'never',
  }),
}
