/** The first lines of the log. */
import { LogType, type Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import { version } from './version.ts'
import { canShareReads } from '../transports/read-buffer.ts'

/** The lines of a start up to the listeners'. */
export function logStart(log: Log, config: Config, configFile: string | null): void {
  log.write(LogType.information, `mozzie version ${version} starting`)
  const source = configFile === null ? 'Using default config.' : `Config loaded from ${configFile}.`
  log.write(LogType.information, source)
  logWarnings(log, config)
  logLimitsOfNode(log, config)
  if (config.localOnly) logLocalOnly(log, config)
}

export function logWarnings(log: Log, { warnings }: Config): void {
  for (const { level, text, file, line } of warnings) {
    const place = file === '' ? '' : ` (${file}:${line})`
    if (level === 'warning') log.write(LogType.warning, `Warning: ${text}${place}`)
    else log.write(LogType.information, `${text}${place}`)
  }
}

/** What this version of Node cannot do for us. */
function logLimitsOfNode(log: Log, { global }: Config): void {
  if (!canShareReads)
    log.write(
      LogType.notice,
      'This version of Node reads each socket into memory of its own: more work for each message.',
    )
  if (global.logDestinations.some(({ kind }) => kind === 'file'))
    log.write(
      LogType.information,
      'Log files are opened again on SIGHUP. Node cannot answer SIGRTMIN: it ends the broker.',
    )
}

function logLocalOnly(log: Log, config: Config): void {
  const listeners = config.listeners.filter(({ protocol }) => protocol !== 'http_api')
  const hosts = [...new Set(listeners.map(({ host }) => host))].join(' and ')
  const ports = [...new Set(listeners.map(({ port }) => port))].join(', ')
  const anonymous = listeners.every(({ allowAnonymous }) => allowAnonymous)
  const lines = [
    `Local only: listening on ${hosts}, port ${ports}. Other machines cannot connect.`,
    anonymous
      ? 'Clients of this machine need no user name or password.'
      : 'Anonymous clients are refused (allow_anonymous false).',
    'To open the broker write "listener 1883" into a file and start with -c FILE; ' +
      'clients then have to log in, or "allow_anonymous true" must say otherwise.',
  ]
  for (const line of lines) log.write(LogType.warning, line)
}
