/** What SIGHUP does. */
import { LogType } from '../base/log.ts'
import { AuthFileError } from '../auth/auth-file.ts'
import { ConfigError, formatConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import { diffConfig, listenerName, type ConfigChange } from '../config/reload.ts'
import type { EntranceSettings } from '../transports/entrance.ts'
import { bridgesOf, type NamedBridge } from './bridges.ts'
import { boundConnections } from './engine.ts'
import { limitsOfConfig, listenerOptionsOf } from './limits-of-config.ts'
import { logSettingsOf } from './log-destinations.ts'
import { loadSecurityFiles, type SecurityFiles } from './security.ts'
import { runningListener } from './open-listeners.ts'
import type { Server } from './running-server.ts'
import { logWarnings } from './start-lines.ts'

/**
 * SIGHUP: reads the configuration again and takes over what a running broker can; the log is reopened. A
 * configuration that is wrong changes nothing.
 *
 * @param read Reads it; throws ConfigError.
 */
export function reload(server: Server, logging: 'all' | 'none' | null, read: () => Config): void {
  const { log } = server
  // First of all: whoever rotates the log gets a new file even if the configuration is wrong.
  log.reopenFiles()
  log.write(LogType.information, 'Reloading config.')
  let config: Config
  let files: SecurityFiles
  let entrances: ReadonlyMap<string, EntranceSettings>
  let bridges: ReadonlyMap<string, NamedBridge>
  let bans: ReturnType<Server['banDesk']['bans']['reread']>
  try {
    config = read()
    files = loadSecurityFiles(config)
    bans = server.banDesk.bans.reread()
    entrances = server.entrances(config)
    bridges = bridgesOf(config)
  } catch (error) {
    if (error instanceof ConfigError)
      for (const line of formatConfigError(error)) log.write(LogType.error, line)
    else if (error instanceof AuthFileError) log.write(LogType.error, `Error: ${error.message}`)
    else throw error
    log.write(LogType.error, 'Error: the settings, users and rights stay as they were.')
    return
  }
  const changes = diffConfig(server.config, config)
  apply(server, config, entrances)
  server.security.apply(config, files, (name) => runningListener(server, name)?.options)
  server.banDesk.replace(bans)
  log.open(logSettingsOf(config.global, logging))
  logWarnings(log, config)
  for (const change of changes) logChange(server, change)
  const late = ({ message }: Error): void =>
    log.write(LogType.warning, `Warning: the configuration is not everywhere yet. ${message}`)
  const others = server.threads?.ask('reload', config).catch(late)
  server.threads?.tell({ kind: 'logMask', mask: log.mask })
  const count = server.broker.recheckLogins()
  if (count > 0)
    log.write(LogType.notice, `Disconnected ${count} clients whose login is no longer valid.`)
  // Whoever waits for this line misses nothing that is published behind it.
  const say = (): void => log.write(LogType.information, 'Reloaded config.')
  server.bridges.apply(bridges, () => {
    if (others === undefined) say()
    else void others.then(say)
  })
}

/** The objects that the core and the listeners hold are changed in place: the next look at them sees it. */
function apply(
  server: Server,
  config: Config,
  entrances: ReadonlyMap<string, EntranceSettings>,
): void {
  server.config = config
  Object.assign(server.limits, limitsOfConfig(config.global))
  boundConnections(server, config)
  server.threads?.budgets.boundUsers(config)
  for (const listener of config.listeners) {
    const name = listenerName(listener)
    const running = runningListener(server, name)
    if (running === undefined) continue
    Object.assign(running.options, listenerOptionsOf(listener))
    Object.assign(running.entrance, entrances.get(name))
    running.budget.max = listener.maxConnections
  }
}

function logChange({ log }: Server, change: ConfigChange): void {
  const { option, listener, before, after, reloadable } = change
  const name =
    listener === null || option === 'listener' || option === 'connection'
      ? option
      : `${option} of ${listener}`
  const values = `${JSON.stringify(before ?? null)} to ${JSON.stringify(after ?? null)}`
  if (reloadable) log.write(LogType.information, `Changed ${name} from ${values}.`)
  else log.write(LogType.warning, `Warning: ${name} from ${values} needs a restart to take effect.`)
}
