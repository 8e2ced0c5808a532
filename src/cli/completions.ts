/** `mozzie completions bash|zsh|fish`: scripts for shells, made of the tables that the commands are parsed by. */
import { BROKER_FLAGS } from './broker-arguments.ts'
import { flagsOfTool } from './mqtt/arguments.ts'
import type { Tool } from './mqtt/settings.ts'
import { PASSWD_FLAGS } from './passwd.ts'
import { RETAINED_FLAGS } from './retained.ts'
import { DOCTOR_FLAGS } from './doctor.ts'
import { CLUSTER_FLAGS } from './cluster.ts'
import { BAN_FLAGS, BAN_WORDS } from './ban.ts'
import { WHY_FLAGS } from './why.ts'
import { connectionFlags, CTRL_FLAGS } from './ctrl.ts'

/** What a shell has to know of a flag. */
interface Flag {
  readonly names: readonly string[]
  /** null: it stands alone. */
  readonly operand: string | null
  readonly choices: readonly string[]
  readonly help: string
}

interface Command {
  readonly name: string
  readonly flags: readonly Flag[]
  /** Words that may stand first. */
  readonly words: readonly string[]
}

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export const HELP = `Usage: mozzie completions {${SHELLS.join(' | ')}}

Prints a script that completes the commands, options and values of mozzie.

  bash   mozzie completions bash > /etc/bash_completion.d/mozzie
  zsh    mozzie completions zsh > "\${fpath[1]}/_mozzie"
  fish   mozzie completions fish > ~/.config/fish/completions/mozzie.fish
`
const USAGE_EXIT_CODE = 1

/** Operands that are names of files. */
const fileOperands = new Set(['FILE', 'DIRECTORY', 'PATH', 'DIR'])
/** Flags of sub that say which messages; `retained` has operands for that. */
const TOOLS: readonly Tool[] = ['pub', 'sub', 'rr']

function nameOnly(names: readonly string[]): Flag[] {
  return names.map((name) => ({ names: [name], operand: null, choices: [], help: '' }))
}

function flagsOf(name: string): readonly Flag[] {
  const tool = TOOLS.find((each) => each === name)
  if (tool !== undefined) return flagsOfTool(tool)
  if (name === 'broker') return BROKER_FLAGS.map((row) => ({ ...row, choices: [] }))
  if (name === 'passwd') return nameOnly(PASSWD_FLAGS)
  if (name === 'doctor') return nameOnly(DOCTOR_FLAGS)
  if (name === 'ban') return nameOnly(BAN_FLAGS)
  if (name === 'why') return nameOnly(WHY_FLAGS)
  if (name === 'cluster') return nameOnly(CLUSTER_FLAGS)
  if (name === 'ctrl') return [...nameOnly(CTRL_FLAGS), ...connectionFlags()]
  if (name === 'retained') return [...nameOnly(RETAINED_FLAGS), ...flagsOfTool('sub')]
  return []
}

const FIRST_WORDS: Readonly<Record<string, readonly string[]>> = {
  retained: ['ls', 'get', 'rm'],
  ban: BAN_WORDS,
  cluster: ['status', 'sessions', 'drain'],
  completions: SHELLS,
  ctrl: ['dynsec', 'broker'],
}

/** Programs that are a command of their own: `mozzie_pub`, `mosquitto_pub`. */
function programsOf({ name }: Command): string[] {
  return TOOLS.some((tool) => tool === name) || name === 'passwd' || name === 'ctrl'
    ? [`mozzie_${name}`, `mosquitto_${name}`]
    : []
}

function firstLine(text: string): string {
  return text.split('\n')[0]
}

// ── bash ───────────────────────────────────────────────────────────────────────────────────────────

function bashCases(command: Command): string[] {
  return command.flags.flatMap(({ names, operand, choices }) => {
    if (operand === null) return []
    const pattern = names.map((name) => `'${command.name} ${name}'`).join('|')
    if (choices.length > 0)
      return [
        `    ${pattern}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return ;;`,
      ]
    const reply = fileOperands.has(operand) ? 'COMPREPLY=($(compgen -f -- "$cur")); ' : ''
    return [`    ${pattern}) ${reply}return ;;`]
  })
}

function bashScript(commands: readonly Command[]): string {
  const programs = ['mozzie', ...commands.flatMap(programsOf)].join(' ')
  const names = commands.map(({ name }) => name).join(' ')
  const words = commands.map(({ name, flags, words: first }) => {
    const all = [...first, ...flags.flatMap((row) => row.names)].join(' ')
    return `    ${name}) words='${all}' ;;`
  })
  return `# bash completion of mozzie
_mozzie() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local program="\${COMP_WORDS[0]##*/}" command=broker words
  COMPREPLY=()
  case "$program" in
    *_*) command="\${program##*_}" ;;
    *)
      if [ "$COMP_CWORD" -gt 1 ]; then
        case " ${names} " in *" \${COMP_WORDS[1]} "*) command="\${COMP_WORDS[1]}" ;; esac
      elif [ "\${cur:0:1}" != - ]; then
        COMPREPLY=($(compgen -W '${names}' -- "$cur"))
        return
      fi ;;
  esac
  case "$command $prev" in
${commands.flatMap(bashCases).join('\n')}
  esac
  case "$command" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o filenames -F _mozzie ${programs}
`
}

// ── zsh ────────────────────────────────────────────────────────────────────────────────────────────

/** Within single quotes, and without what `_arguments` takes for its own. */
function zshText(text: string): string {
  return firstLine(text)
    .replace(/'/g, "'\\''")
    .replace(/[\\[\]:]/g, '\\$&')
}

function zshFlag({ names, operand, choices, help: text }: Flag): string {
  const action =
    operand === null
      ? ''
      : `:${operand}:${choices.length > 0 ? `(${choices.join(' ')})` : fileOperands.has(operand) ? '_files' : ' '}`
  const spec = `[${zshText(text)}]${action}`
  const specs = names.map((name) => `'*${name}${spec}'`)
  return `    ${specs.join(' ')}`
}

function zshScript(commands: readonly Command[]): string {
  const programs = ['mozzie', ...commands.flatMap(programsOf)].join(' ')
  const bodies = commands.map(({ name, flags, words }) => {
    const first = words.length > 0 ? [`    '1:what:(${words.join(' ')})'`] : []
    const specs = [...flags.map(zshFlag), ...first, "    '*: :_files'"]
    return `_mozzie_${name.replaceAll('-', '_')}() {\n  _arguments \\\n${specs.join(' \\\n')}\n}`
  })
  return `#compdef ${programs}
# zsh completion of mozzie
${bodies.join('\n')}
_mozzie() {
  local program="\${words[1]:t}"
  if [[ "$program" == *_* ]]; then
    "_mozzie_\${program##*_}"
  elif (( CURRENT == 2 )) && [[ "\${words[2]}" != -* ]]; then
    compadd ${commands.map(({ name }) => name).join(' ')}
  elif (( \${+functions[_mozzie_\${words[2]//-/_}]} )); then
    local function="_mozzie_\${words[2]//-/_}"
    shift words
    (( CURRENT-- ))
    "$function"
  else
    _mozzie_broker
  fi
}
if [[ "$funcstack[1]" == _mozzie ]]; then _mozzie "$@"; else compdef _mozzie ${programs}; fi
`
}

// ── fish ───────────────────────────────────────────────────────────────────────────────────────────

function fishText(text: string): string {
  return `'${firstLine(text).replace(/[\\']/g, '\\$&')}'`
}

function fishName(name: string): string {
  if (name.startsWith('--')) return `-l ${name.slice(2)}`
  return name.length === 2 ? `-s ${name.slice(1)}` : `-o ${name.slice(1)}`
}

function fishFlag({ names, operand, choices, help: text }: Flag): string {
  const values =
    operand === null
      ? ''
      : choices.length > 0
        ? ` -x -a '${choices.join(' ')}'`
        : fileOperands.has(operand)
          ? ' -r -F'
          : ' -x'
  return `${names.map(fishName).join(' ')}${values} -d ${fishText(text)}`
}

function fishScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap((command) => {
    const { name, flags, words } = command
    const condition =
      name === 'broker'
        ? `"not __fish_seen_subcommand_from ${names}; or __fish_seen_subcommand_from broker"`
        : `'__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c mozzie -n "not __fish_seen_subcommand_from ${names}" -f -a ${name}`,
      ...words.map((word) => `complete -c mozzie -n ${condition} -f -a ${word}`),
      ...flags.map((row) => `complete -c mozzie -n ${condition} ${fishFlag(row)}`),
      ...programsOf(command).flatMap((program) =>
        flags.map((row) => `complete -c ${program} ${fishFlag(row)}`),
      ),
    ]
  })
  return `# fish completion of mozzie\n${lines.join('\n')}\n`
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** @param names The commands of `mozzie`. */
export function completionScript(shell: Shell, names: readonly string[]): string {
  const commands = [...names]
    .sort()
    .map((name) => ({ name, flags: flagsOf(name), words: FIRST_WORDS[name] ?? [] }))
  return SCRIPTS[shell](commands)
}

/** Runs `mozzie completions`; sets the exit code. */
export function runCompletions(words: readonly string[], names: readonly string[]): void {
  const [word] = words
  const shell = SHELLS.find((each) => each === word)
  if (shell !== undefined) process.stdout.write(completionScript(shell, names))
  else if (word === '--help') process.stdout.write(HELP)
  else {
    process.stderr.write(`Error: Say for which shell: ${SHELLS.join(', ')}.\n\n${HELP}`)
    process.exitCode = USAGE_EXIT_CODE
  }
}
