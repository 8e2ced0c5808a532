/** The command line of the broker. */
import { COMMAND_SUMMARIES } from './command-names.ts'
import { unknownOption } from './unknown-option.ts'

/** What the command line of the broker asks for. */
export interface BrokerArguments {
  readonly action: 'run' | 'help' | 'version' | 'test-config'
  readonly configFile: string | null
  /** Loopback ports, used when the configuration has no listener. */
  readonly ports: readonly number[]
  /** Overrides log_type: everything, nothing, or (null) as configured. */
  readonly logging: 'all' | 'none' | null
  readonly daemon: boolean
  /** Nothing is kept on the disk. */
  readonly memoryOnly: boolean
  /** File that TLS session keys are appended to, for debugging. */
  readonly tlsKeyLogFile: string | null
}

/** `error` is one line for stderr; the process then exits with {@link ARGUMENT_ERROR_EXIT_CODE}. */
export type ParsedArguments =
  | { readonly ok: true; readonly arguments: BrokerArguments }
  | { readonly ok: false; readonly error: string }

export const ARGUMENT_ERROR_EXIT_CODE = 3

const PORTS_MAX = 10

type Draft = { -readonly [Key in keyof BrokerArguments]: BrokerArguments[Key] } & {
  ports: number[]
}

interface Flag {
  readonly names: readonly string[]
  /** Name of the operand in the help text; null when the flag stands alone. */
  readonly operand: string | null
  readonly help: string
  /** Returns what is wrong with the operand, or null. */
  apply(draft: Draft, operand: string): string | null
}

function flag(
  names: string[],
  operand: string | null,
  help: string,
  apply: (draft: Draft, operand: string) => string | null | void,
): Flag {
  return { names, operand, help, apply: (draft, value) => apply(draft, value) ?? null }
}

/** In the order of the help text. Shell completions are made of them as well. */
export const BROKER_FLAGS: readonly Flag[] = [
  flag(['-c', '--config-file'], 'FILE', 'read this mosquitto.conf', (draft, file) => {
    draft.configFile = file
  }),
  flag(
    ['-p', '--port'],
    'PORT',
    'listen on this port, for this machine only; up to\n10 times, ignored when FILE has a listener',
    addPort,
  ),
  flag(['-v', '--verbose'], null, 'log everything, whatever log_type says', (draft) => {
    draft.logging = 'all'
  }),
  flag(['-q', '--quiet'], null, 'log nothing, whatever log_type says', (draft) => {
    draft.logging = 'none'
  }),
  flag(['-d', '--daemon'], null, 'run in the background', (draft) => {
    draft.daemon = true
  }),
  flag(['--no-persistence'], null, 'keep nothing over a restart', (draft) => {
    draft.memoryOnly = true
  }),
  flag(['--test-config'], null, 'check FILE and stop: exit code 0 or 3', (draft) => {
    draft.action = 'test-config'
  }),
  flag(
    ['--tls-keylog'],
    'FILE',
    'append TLS session keys to FILE: whoever reads it\nreads the traffic',
    (draft, file) => {
      draft.tlsKeyLogFile = file
    },
  ),
  flag(['-h', '--help'], null, 'show this text and stop', (draft) => {
    draft.action = 'help'
  }),
  flag(['--version'], null, 'show the version and stop', (draft) => {
    draft.action = 'version'
  }),
]

const flagsByName = new Map(
  BROKER_FLAGS.flatMap((row) => row.names.map((name) => [name, row] as const)),
)

function addPort(draft: Draft, operand: string): string | null {
  const port = /^[0-9]{1,5}$/.test(operand) ? Number(operand) : 0
  if (port < 1 || port > 65_535) return `"${operand}" is not a port from 1 to 65535`
  if (draft.ports.length === PORTS_MAX) return `at most ${PORTS_MAX} ports can be given`
  draft.ports.push(port)
  return null
}

/** Reads the broker's command line, the words behind the program's name. Never throws. */
export function parseBrokerArguments(words: readonly string[]): ParsedArguments {
  const draft: Draft = {
    action: 'run',
    configFile: null,
    ports: [],
    logging: null,
    daemon: false,
    memoryOnly: false,
    tlsKeyLogFile: null,
  }
  for (let index = 0; index < words.length; index++) {
    const word = words[index]
    const row = flagsByName.get(word)
    if (row === undefined) return failure(unknownOption(word, flagsByName.keys()))
    let operand = ''
    if (row.operand !== null) {
      if (index + 1 === words.length) return failure(`"${word}" needs ${row.operand} behind it.`)
      operand = words[++index]
    }
    const problem = row.apply(draft, operand)
    if (problem !== null) return failure(`${word}: ${problem}.`)
    if (draft.action === 'help' || draft.action === 'version') break
  }
  if (draft.action === 'test-config' && draft.configFile === null)
    return failure('"--test-config" needs a file to test: -c FILE.')
  return { ok: true, arguments: draft }
}

function failure(text: string): ParsedArguments {
  return { ok: false, error: `Error: ${text}` }
}

/** What `--help` prints. */
export function brokerHelpText(): string {
  return [
    'Usage: mozzie [-c FILE] [-p PORT] [OPTION]...',
    '       mozzie COMMAND [WORD]...',
    '       mozzie help COMMAND',
    '',
    'A broker for MQTT 3.1, 3.1.1 and 5.0. It reads the mosquitto.conf you have.',
    'Without a listener it serves this machine only, on port 1883.',
    '',
    'Options:',
    ...BROKER_FLAGS.flatMap(helpLines),
    '',
    'Commands:',
    ...Object.entries(COMMAND_SUMMARIES).map(([name, text]) => `  ${name.padEnd(24)}  ${text}`),
    '',
    'Examples:',
    '  mozzie                                  serve this machine on port 1883',
    '  mozzie -p 1884 -v                       the same on port 1884, with a full log',
    '  mozzie -c mosquitto.conf                run with a configuration file',
    '  mozzie -c mosquitto.conf --test-config  check the file without running it',
    '',
    'Signals: HUP reads the file again, TERM and INT stop the broker.',
    '',
  ].join('\n')
}

function helpLines({ names, operand, help }: Flag): string[] {
  const short = names.length === 1 ? `    ${names[0]}` : names.join(', ')
  const left = operand === null ? short : `${short} ${operand}`
  return help.split('\n').map((line, index) => `  ${(index === 0 ? left : '').padEnd(24)}  ${line}`)
}
