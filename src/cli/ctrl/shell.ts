/** `mozzie ctrl` without a command: asks for them, with history and completion. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { makeDirectories } from '../../store/make-directories.ts'
import type { Settings } from '../mqtt/settings.ts'
import { CtrlUsageError, type CtrlModule } from './command.ts'
import { CtrlError, openLink, type CtrlLink } from './link.ts'
import { commandOf, moduleHelp, moduleOf, MODULES, runCommand, usageOf } from './run-command.ts'

const HISTORY_MAX = 500
const GENERAL = ['connect', 'auth', 'return', 'help', 'exit']
const HELP = `  dynsec, broker        chooses a module; "return" leaves it
  dynsec COMMAND ...    a command of a module
  connect [HOST [PORT]] connects; the first command does it too
  auth [USER]           asks for a name and a password, and connects anew
  help [COMMAND]        this, or the commands of the module
  exit                  ends (also Ctrl-D)
`

/** What the shell works with; `write` takes whole lines. */
interface Shell {
  readonly settings: Settings
  readonly askPassword: (prompt: string) => Promise<string>
  readonly write: (text: string) => void
  link: CtrlLink | null
  module: CtrlModule | null
  /** What a command that failed leaves as exit code, where nobody sits there to see it. */
  exitCode: number
}

/** Reads commands until the end of input. @returns the exit code. */
export async function runShell(
  settings: Settings,
  askPassword: (prompt: string) => Promise<string>,
): Promise<number> {
  const isTerminal = process.stdin.isTTY
  const shell: Shell = {
    settings,
    askPassword,
    write: (text) => void process.stdout.write(text),
    link: null,
    module: null,
    exitCode: 0,
  }
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: isTerminal,
    history: isTerminal ? readHistory() : [],
    historySize: HISTORY_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(shell.module, line),
  })
  if (isTerminal) shell.write('Commands: "help" lists them.\n')
  prompt(shell, lines)
  for await (const line of lines) {
    lines.pause()
    if (!(await obey(shell, line.trim()))) break
    prompt(shell, lines)
    lines.resume()
  }
  if (isTerminal) saveHistory(lines)
  lines.close()
  await shell.link?.close()
  return isTerminal ? 0 : shell.exitCode
}

function prompt({ module }: Shell, lines: Interface): void {
  if (!process.stdin.isTTY) return
  lines.setPrompt(`${module?.name ?? 'mozzie'}> `)
  lines.prompt()
}

/** false: it was the last one. */
async function obey(shell: Shell, line: string): Promise<boolean> {
  const [first, ...rest] = wordsOf(line)
  if (first === undefined || first.startsWith('#')) return true
  if (first === 'exit' || first === 'quit') return false
  try {
    await command(shell, first, rest)
  } catch (error) {
    if (!(error instanceof CtrlError || error instanceof CtrlUsageError)) throw error
    process.stderr.write(`${error.message}\n`)
    shell.exitCode = error instanceof CtrlError ? error.exitCode : 1
    if (error instanceof CtrlError && error.message.includes('closed')) await drop(shell)
  }
  return true
}

async function command(shell: Shell, first: string, rest: readonly string[]): Promise<void> {
  if (first === 'help') return help(shell, rest[0])
  if (first === 'return') {
    shell.module = null
    return
  }
  if (first === 'connect') {
    const [host, port] = rest
    if (host !== undefined) shell.settings.host = host
    if (port !== undefined) shell.settings.port = Number(port)
    await drop(shell)
    await linkOf(shell)
    return
  }
  if (first === 'auth') return authenticate(shell, rest[0])
  const chosen = moduleOf(first)
  const module = chosen ?? shell.module
  const words = chosen === undefined ? [first, ...rest] : rest
  if (module === null)
    throw new CtrlUsageError(`"${first}" is none of ${[...moduleNames(), ...GENERAL].join(', ')}.`)
  if (words.length === 0) {
    shell.module = module
    return
  }
  if (words[0] === 'help') return shell.write(moduleHelp(module))
  const row = commandOf(module, words[0])
  if (row === undefined)
    throw new CtrlUsageError(`Command '${words[0]}' not recognised; "help" lists them.`)
  const link = await linkOf(shell)
  const ask = (): Promise<string> => shell.askPassword(`New password: `)
  const printed = await runCommand(link, module, row, words.slice(1), ask)
  shell.write(printed.length === 0 ? '' : `${printed.join('\n')}\n`)
}

function help({ module, write }: Shell, name: string | undefined): void {
  const rows = (module === null ? MODULES : [module]).flatMap(({ commands }) => commands)
  const row = rows.find((each) => each.name.toLowerCase() === name?.toLowerCase())
  if (row !== undefined) return write(`${usageOf(row)}\n  ${row.summary}\n`)
  write(module === null ? HELP : moduleHelp(module))
}

async function authenticate(shell: Shell, name: string | undefined): Promise<void> {
  if (name === undefined) throw new CtrlUsageError('Usage: auth USER')
  const password = await shell.askPassword(`Password of ${name}: `)
  shell.settings.username = name
  shell.settings.password = Buffer.from(password)
  await drop(shell)
  await linkOf(shell)
}

async function linkOf(shell: Shell): Promise<CtrlLink> {
  shell.link ??= await openLink(shell.settings)
  return shell.link
}

async function drop(shell: Shell): Promise<void> {
  await shell.link?.close()
  shell.link = null
}

/** The words of a line; quotation marks hold blanks together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double?.replace(/\\(.)/g, '$1') ?? single ?? bare,
  )
}

/** What the last word of a line may become. */
export function complete(module: CtrlModule | null, line: string): [string[], string] {
  const words = line.split(' ')
  const last = words.at(-1) ?? ''
  const chosen = moduleOf(words[0]) ?? module
  const isModules = chosen !== null && words.length === (moduleOf(words[0]) === undefined ? 1 : 2)
  const all = [
    ...(isModules ? chosen.commands.map(({ name }) => name) : []),
    ...(words.length === 1 ? [...moduleNames(), ...GENERAL] : []),
    ...(words.length > 2 ? laterWords(chosen, words) : []),
  ]
  const fitting = all.filter((word) => word.toLowerCase().startsWith(last.toLowerCase()))
  return [fitting, last]
}

/** Fixed words that a command may have: those of its usage, and of its summary behind a colon. */
function laterWords(module: CtrlModule | null, words: readonly string[]): string[] {
  const name = moduleOf(words[0]) === undefined ? words[0] : words[1]
  const row = module === null ? undefined : commandOf(module, name)
  if (row === undefined) return []
  const listed = row.summary.split(': ')[1]?.split(', ') ?? []
  return [...listed, ...(row.usage.includes('allow|deny') ? ['allow', 'deny'] : [])]
}

function moduleNames(): string[] {
  return MODULES.map(({ name }) => name)
}

function historyFile(): string {
  const { XDG_STATE_HOME: state } = process.env
  return join(state ?? join(homedir(), '.local', 'state'), 'mozzie', 'ctrl_history')
}

function readHistory(): string[] {
  try {
    return readFileSync(historyFile(), 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** A line that holds a password is not kept. */
export function isSecret(line: string): boolean {
  const words = wordsOf(line)
  const at = words.findIndex((word) => word.toLowerCase() === 'setclientpassword')
  return (
    words.includes('-p') || /password\\?"?\s*:/i.test(line) || (at >= 0 && words.length > at + 2)
  )
}

function saveHistory(lines: Interface): void {
  const { history = [] } = lines as Interface & { history?: string[] }
  const file = historyFile()
  try {
    makeDirectories(dirname(file), 0o700)
    const kept = history.filter((line) => !isSecret(line))
    writeFileSync(file, `${kept.join('\n')}\n`, { mode: 0o600 })
    chmodSync(file, 0o600)
  } catch {
    // The next time begins without one.
  }
}
