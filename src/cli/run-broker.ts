/** The broker as a process, from its configuration to its exit code. */
import { existsSync } from 'node:fs'
import { LogType } from '../base/log.ts'
import { readBans } from '../auth/bans/ban-file.ts'
import { AuthFileError } from '../auth/auth-file.ts'
import { escapeControls } from '../base/escape-controls.ts'
import { ConfigError, formatConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import { checkConfig, loadConfig } from '../config/files.ts'
import { applyCommandLinePorts } from '../config/resolve.ts'
import { bridgesOf } from '../server/bridges.ts'
import { becomeDaemon, reportDaemon } from '../server/daemon.ts'
import { createServerLog, logSettingsOf, type LogSettings } from '../server/log-destinations.ts'
import { PidFileError, writePidFile } from '../server/pid-file.ts'
import { PrivilegeError } from '../server/privileges.ts'
import { reload } from '../server/reload.ts'
import { dynamicFileOf, loadSecurityFiles } from '../server/security.ts'
import { startServer } from '../server/server.ts'
import { notifyReady, notifyStopping } from '../server/service-manager.ts'
import { answerStop, holdSignals } from '../server/signals.ts'
import { version } from '../server/version.ts'
import type { BrokerArguments } from './broker-arguments.ts'
import { forgetEarlyStop } from './early-stop.ts'
import { beginFrugal, endFrugal } from './frugal-start.ts'
import { inlineMore } from './inlining.ts'

const FAILURE_EXIT_CODE = 1
const CONFIG_ERROR_EXIT_CODE = 3
const SYSTEM_ERROR_EXIT_CODE = 14

function exitCodeOf(error: unknown): number {
  const kinds = [ConfigError, AuthFileError, PrivilegeError]
  if (kinds.some((kind) => error instanceof kind)) return CONFIG_ERROR_EXIT_CODE
  return error instanceof PidFileError ? SYSTEM_ERROR_EXIT_CODE : FAILURE_EXIT_CODE
}

function readConfig({ configFile, ports }: BrokerArguments): Config {
  return applyCommandLinePorts(loadConfig(configFile), ports)
}

/** @returns null after it said what is wrong. */
function readConfigOrSay(args: BrokerArguments): Config | null {
  try {
    return readConfig(args)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${formatConfigError(error).join('\n')}\n`)
    return null
  }
}

/** `--test-config`: says all there is to say. Returns the exit code. */
function testConfig(file: string): number {
  const { problems, warnings } = checkConfig(file)
  const problemLines = problems.flatMap(formatConfigError)
  if (problems.length === 0) {
    const config = loadConfig(file)
    problemLines.push(...securityProblems(config), ...bridgeProblems(config))
  }
  const count = Math.max(problems.length, problemLines.length === 0 ? 0 : 1)
  const lines = [
    ...problemLines,
    ...warnings.map(({ level, text, file: where, line }) => {
      const place = where === '' ? '' : ` (${where}:${line})`
      return `${level === 'warning' ? 'Warning: ' : ''}${text}${place}`
    }),
    count === 0
      ? 'Configuration file is OK.'
      : `${count} ${count === 1 ? 'error' : 'errors'} found.`,
  ]
  process.stderr.write(`${lines.map(escapeControls).join('\n')}\n`)
  return count === 0 ? 0 : CONFIG_ERROR_EXIT_CODE
}

/** What is wrong with the files of users, rights and keys. */
function securityProblems(config: Config): string[] {
  const file = dynamicFileOf(config)
  // It is made at the first start.
  const isNew = file !== null && !existsSync(file)
  const listeners = isNew
    ? config.listeners.map((listener) => ({ ...listener, dynamicSecurityFile: null }))
    : config.listeners
  try {
    loadSecurityFiles({ ...config, listeners })
    if (config.global.banFile !== null) readBans(config.global.banFile)
    return []
  } catch (error) {
    if (!(error instanceof AuthFileError)) throw error
    return [`Error: ${error.message}`]
  }
}

/** What is wrong with bridges: their topics, and the files that they name. */
function bridgeProblems(config: Config): string[] {
  try {
    bridgesOf(config)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return formatConfigError(error)
  }
}

/** Whether an error that is logged stands on standard error as well. */
function reachesTerminal({ mask, destinations }: LogSettings): boolean {
  return (mask & LogType.error) !== 0 && destinations.some(({ kind }) => kind === 'stderr')
}

async function run(args: BrokerArguments, config: Config): Promise<void> {
  const log = createServerLog()
  const end = (code: number): void => {
    log.close()
    process.exitCode = code
    process.exit()
  }
  const { configFile, logging, memoryOnly } = args
  /** The log may not be open yet: what it has kept is to be read, too. */
  const endStart = (lines: readonly string[], code: number): void => {
    const settings = logSettingsOf(config.global, logging)
    log.open(settings)
    for (const line of lines) log.write(LogType.error, line)
    // Wherever the log goes: who started this looks here.
    if (!reachesTerminal(settings)) process.stderr.write(`${lines.join('\n')}\n`)
    reportDaemon(lines.join('\n'))
    end(code)
  }
  let isStarting = true
  const onFatal = (error: Error): void => {
    const line = `Error: ${error.message}. Stopping: nothing can be kept safe any more.`
    if (isStarting) return endStart([line], FAILURE_EXIT_CODE)
    log.write(LogType.error, line)
    end(FAILURE_EXIT_CODE)
  }
  // While the store is being read nothing has been promised yet: it may just end.
  let stop = (): void => end(0)
  answerStop(() => stop())
  forgetEarlyStop()
  const answerSignals = holdSignals()
  try {
    const server = await startServer({
      config,
      configFile,
      memoryOnly,
      logging,
      log,
      tlsKeyLogFile: args.tlsKeyLogFile,
      onFatal,
    })
    isStarting = false
    endFrugal(server.threads === null)
    stop = () => {
      notifyStopping()
      void server.stop().then(() => end(0))
    }
    answerSignals(server, () => reload(server, logging, () => readConfig(args)))
    // Who finds the pid file may send a signal: there is somebody to answer by now.
    if (config.global.pidFile !== null) writePidFile(config.global.pidFile)
    log.write(LogType.information, `mozzie version ${version} running`)
    // The last line: it is what a person does next.
    if (server.pageNote !== null) log.write(LogType.notice, server.pageNote)
    reportDaemon(null)
    notifyReady(() => server.threads?.areAlive() ?? true)
  } catch (error) {
    const lines =
      error instanceof ConfigError
        ? formatConfigError(error)
        : [`Error: ${(error as Error).message}`]
    endStart(lines, exitCodeOf(error))
  }
}

/** Runs the broker, or looks at its configuration; sets the exit code. `words`: the command line that `args` came from. */
export async function startBroker(args: BrokerArguments, words: readonly string[]): Promise<void> {
  if (args.action === 'test-config') {
    process.exitCode = testConfig(args.configFile ?? '')
    return
  }
  const config = readConfigOrSay(args)
  if (config === null) {
    process.exitCode = CONFIG_ERROR_EXIT_CODE
    return
  }
  inlineMore()
  beginFrugal(config.global.memoryBytesMax > 0)
  if (args.daemon) process.exitCode = await becomeDaemon(words)
  else await run(args, config)
}
