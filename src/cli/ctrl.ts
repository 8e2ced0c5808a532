/** `mozzie ctrl`: commands for a running broker, by `$CONTROL`. */
import { askOnTerminal, askPassword } from './ask-password.ts'
import { CtrlUsageError } from './ctrl/command.ts'
import { changeFile, initFile } from './ctrl/init-file.ts'
import { CtrlError, openLink } from './ctrl/link.ts'
import { commandOf, moduleHelp, moduleOf, MODULES, runCommand } from './ctrl/run-command.ts'
import { PasswdError } from './passwd-file.ts'
import { AuthFileError } from '../auth/auth-file.ts'
import { applyWords, finishSettings, flagsOfTool, operandsOf } from './mqtt/arguments.ts'
import { usesTls } from './mqtt/failures.ts'
import { defaultOptionsFile, readOptionsFile } from './mqtt/options-file.ts'
import { defaultSettings, type Settings } from './mqtt/settings.ts'
import { unknownOption } from './unknown-option.ts'

export const HELP = `Usage: mozzie ctrl [OPTION]... [MODULE COMMAND [ARGUMENT]...]
       mozzie ctrl dynsec init FILE ADMIN [PASSWORD]
       mozzie ctrl -f FILE dynsec setClientPassword USER [PASSWORD]

Commands a running broker. Without a command it asks for them, with history and completion;
from a pipe it reads one a line.

  MODULE         ${MODULES.map(({ name }) => name).join(', ')}; "mozzie ctrl MODULE help" lists its commands
  -f FILE        changes a file of dynamic security that no broker has open

How to reach the broker is said as for 'mozzie pub': -h, -p, -u, -P, -i, -L, -V, -q, -A, -k, --unix,
--cafile, --cert, --key, --psk, --proxy, --insecure, -d, --quiet, ... Options may stand in -o FILE, or in
~/.config/mosquitto_ctrl. Passwords that are not given are asked for.

Exit code: 0 done; 1 the broker answered with an error; what the connection failed with.

Examples:
  mozzie ctrl -u admin dynsec createClient till-7
  mozzie ctrl -u admin dynsec addRoleACL till publishClientSend 'shop/%u/#' allow
  mozzie ctrl -h broker.shop.lan --cafile ca.crt -u admin
`

/** Flags of this command alone; the others are those of pub that say how to connect. */
export const CTRL_FLAGS = ['-f', '-o', '--help', '--version'] as const

const USAGE_EXIT_CODE = 1
const UNKNOWN_EXIT_CODE = 13
const ARGUMENT_EXIT_CODE = 3
const CONNECTING = new Set(['network', 'tls'])
const OTHERS = new Set(['-i', '-I', '-k', '-q', '-u', '-P', '-V', '-d', '--quiet', '-D'])

/** The flags that say how to connect. */
export function connectionFlags() {
  return flagsOfTool('pub').filter(
    ({ group, names }) => CONNECTING.has(group) || names.some((name) => OTHERS.has(name)),
  )
}

interface Wish {
  readonly settings: Settings
  /** `-f`; null: a broker is commanded. */
  readonly file: string | null
  readonly words: readonly string[]
}

/** Runs `mozzie ctrl` with the words behind its name; sets the exit code. */
export async function runCtrl(words: readonly string[]): Promise<void> {
  if (words[0] === '--help') return void process.stdout.write(HELP)
  if (words[0] === '--version') {
    const { version } = await import('../server/version.ts')
    return void process.stdout.write(`mozzie ctrl version ${version}\n`)
  }
  try {
    const wish = parse(words)
    // What stood in the command line is read by everybody on this machine: it is written over.
    process.title = 'mozzie ctrl'
    process.exitCode = await run(wish)
  } catch (error) {
    const isOurs =
      error instanceof CtrlError ||
      error instanceof CtrlUsageError ||
      error instanceof PasswdError ||
      error instanceof AuthFileError
    if (!isOurs) throw error
    const text = error instanceof CtrlUsageError ? `Error: ${error.message}` : error.message
    process.stderr.write(`${text}\n`)
    process.exitCode = error instanceof CtrlError ? error.exitCode : ARGUMENT_EXIT_CODE
  }
}

/** @throws CtrlUsageError */
function parse(words: readonly string[]): Wish {
  const byName = new Map(connectionFlags().flatMap((row) => row.names.map((name) => [name, row])))
  const own: string[] = []
  let file: string | null = null
  let optionsFile: string | null = null
  let at = 0
  for (; at < words.length && words[at].startsWith('-'); at++) {
    const word = words[at]
    if (word === '-f' || word === '-o') {
      const operand = words[++at]
      if (operand === undefined) throw new CtrlUsageError(`${word} needs a FILE behind it.`)
      if (word === '-f') file = operand
      else optionsFile = operand
      continue
    }
    const row = byName.get(word)
    if (row === undefined)
      throw new CtrlUsageError(unknownOption(word, [...byName.keys(), '--help']))
    const count = row.operandCount(words.slice(at + 1))
    own.push(...words.slice(at, at + count + 1))
    at += count
  }
  return { settings: settingsOf(own, optionsFile), file, words: words.slice(at) }
}

/** @throws CtrlUsageError */
function settingsOf(words: readonly string[], optionsFile: string | null): Settings {
  const settings = defaultSettings('pub')
  settings.version = 5
  settings.qos = 1
  const lines = readOptionsFile(optionsFile ?? defaultOptionsFile('ctrl'))
  if (lines === null && optionsFile !== null)
    throw new CtrlUsageError(`There is no file ${optionsFile}.`)
  const problems = [
    ...(lines ?? []).map((line) => applyWords(settings, line.words)),
    applyWords(settings, operandsOf(words)),
  ]
  const problem = problems.find((each) => each !== null)?.error ?? finishSettings(settings)
  if (problem !== undefined && problem !== null)
    throw new CtrlUsageError(problem.replace(/^Error: /, ''))
  return settings
}

/** @returns the exit code. */
async function run({ settings, file, words }: Wish): Promise<number> {
  const [moduleName, commandName, ...rest] = words
  if (moduleName === undefined) return shell(settings)
  const module = moduleOf(moduleName)
  if (module === undefined)
    throw new CtrlError(`Error: Module '${moduleName}' not supported.`, UNKNOWN_EXIT_CODE)
  if (commandName === undefined || commandName === 'help') {
    process.stdout.write(moduleHelp(module))
    return commandName === undefined ? USAGE_EXIT_CODE : 0
  }
  if (module.name === 'dynsec' && commandName === 'init')
    return print(await initFile(rest, askPassword))
  if (file !== null) {
    await changeFile(file, commandName, rest, askPassword)
    return 0
  }
  const command = commandOf(module, commandName)
  if (command === undefined)
    throw new CtrlError(`Command '${commandName}' not recognised.`, UNKNOWN_EXIT_CODE)
  await askLogin(settings)
  warnOfPlain(settings)
  const link = await openLink(settings)
  try {
    return print(await runCommand(link, module, command, rest, askPassword))
  } finally {
    await link.close()
  }
}

async function shell(settings: Settings): Promise<number> {
  await askLogin(settings)
  warnOfPlain(settings)
  const { runShell } = await import('./ctrl/shell.ts')
  return runShell(settings, async (prompt) => {
    const password = await askOnTerminal(prompt)
    if (password === null) throw new CtrlUsageError('there is no terminal to ask for a password')
    return password
  })
}

function print(lines: readonly string[]): number {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}

/** A user without a password is asked for it, where there is a terminal. */
async function askLogin(settings: Settings): Promise<void> {
  if (settings.username === null || settings.password !== null) return
  const password = await askOnTerminal(`Password of ${settings.username}: `)
  if (password !== null) settings.password = Buffer.from(password)
}

const LOOPBACK = /^(?:localhost|127\.|::1$)/

/** Passwords go over the network: to be read, where it is not encrypted. */
function warnOfPlain(settings: Settings): void {
  const { quiet, host, unixPath } = settings
  const isHere = unixPath !== null || LOOPBACK.test(host ?? 'localhost')
  if (quiet || isHere || usesTls(settings)) return
  process.stderr.write(
    'Warning: Without TLS everybody on the network can read what is changed, passwords too.\n',
  )
}
