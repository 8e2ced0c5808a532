/** `mozzie`: picks the command. What a command needs is loaded when it is called for, not before. */
import { constants } from 'node:os'
import { basename } from 'node:path'
import { nearestName } from '../base/nearest-name.ts'
import { ARGUMENT_ERROR_EXIT_CODE } from './broker-arguments.ts'
import { COMMAND_SUMMARIES, type CommandName } from './command-names.ts'
import { answerEarlyStop } from './early-stop.ts'

/** Runs with the words behind the command's name; sets the exit code, or ends the process. */
type Command = (words: readonly string[]) => Promise<void>

/** A command word is also a program of its own: `mozzie_pub` and `mosquitto_pub` are `mozzie pub`. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  broker: async () => {
    answerEarlyStop()
    return (await import('./broker.ts')).runBroker
  },
  pub: async () => (await import('./pub.ts')).runPub,
  sub: async () => (await import('./sub.ts')).runSub,
  rr: async () => (await import('./rr.ts')).runRr,
  retained: async () => (await import('./retained.ts')).runRetained,
  ctrl: async () => (await import('./ctrl.ts')).runCtrl,
  ban: async () => (await import('./ban.ts')).runBan,
  why: async () => (await import('./why.ts')).runWhy,
  cluster: async () => (await import('./cluster.ts')).runCluster,
  doctor: async () => (await import('./doctor.ts')).runDoctor,
  passwd: async () => (await import('./passwd.ts')).runPasswd,
  'tls-init': async () => (await import('./tls-init.ts')).runTlsInit,
  bench: async () => (await import('./bench.ts')).runBench,
  'import-db': async () => (await import('./import-db.ts')).runImportDb,
  backup: async () => (await import('./backup.ts')).runBackup,
  db: async () => (await import('./db.ts')).runDb,
  completions: async () => {
    const { runCompletions } = await import('./completions.ts')
    return async (words) => runCompletions(words, names)
  },
}
const names = Object.keys(COMMAND_SUMMARIES)

const PROGRAM_NAME = /^(?:mozzie|mosquitto)_(\w+?)(?:\.exe)?$/

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}

/** By itself Node would open a debugger, and who reaches its port is this account; the broker has an answer of its own. */
function endAtUserSignal(): void {
  process.once('SIGUSR1', () => process.exit(128 + constants.signals.SIGUSR1))
}

async function runCommand(name: CommandName, words: readonly string[]): Promise<void> {
  if (name !== 'broker') endAtUserSignal()
  await (
    await COMMANDS[name]()
  )(words)
}

function refuse(word: string): void {
  const nearest = nearestName(word, [...names, 'help'])
  const hint = nearest === null ? '.' : `; did you mean "${nearest}"?`
  process.stderr.write(`Error: There is no command "${word}"${hint}\nTry "mozzie --help".\n`)
  process.exitCode = ARGUMENT_ERROR_EXIT_CODE
}

/**
 * @param program The path this process was started through.
 * @param words The command line behind it.
 */
export async function main(program: string, words: readonly string[]): Promise<void> {
  const called = PROGRAM_NAME.exec(basename(program))?.[1] ?? ''
  if (isCommand(called)) return runCommand(called, words)
  const [first = '', ...rest] = words
  if (first === 'help') return help(rest)
  if (isCommand(first)) return runCommand(first, rest)
  if (first !== '' && !first.startsWith('-')) return refuse(first)
  await runCommand('broker', words)
}

/** `mozzie help [COMMAND]`. */
async function help([name]: readonly string[]): Promise<void> {
  if (name !== undefined && !isCommand(name)) return refuse(name)
  await runCommand(name ?? 'broker', ['--help'])
  // mosquitto's own programs end with 1 after their help; `help` is ours.
  process.exitCode = 0
}
