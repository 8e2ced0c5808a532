/** `mozzie retained ls|get|rm`: what the broker keeps for a filter: its topics, its messages, or nothing any more. */
import { SubscribeRefusedError } from '../client/errors.ts'
import type { Message } from '../client/message.ts'
import { DENIED, DONE, onOutsideEnd } from './mqtt/ending.ts'
import { flagsOfTool, operandsOf, parseWords } from './mqtt/arguments.ts'
import { publishFailure, sayFailure, startFailure, type Failure } from './mqtt/failures.ts'
import { decoderOf } from './mqtt/payload-format.ts'
import { Receiver } from './mqtt/receiver.ts'
import { startSession, type Session } from './mqtt/session.ts'
import type { Settings } from './mqtt/settings.ts'
import { StandardOutput } from './mqtt/standard-output.ts'

type Action = 'ls' | 'get' | 'rm'

interface Wish {
  readonly action: Action
  readonly isDryRun: boolean
  /** Nothing has come for so long: that was all. The protocol has no end of the retained messages. */
  readonly silenceMs: number
  readonly settings: Settings
}

export const HELP = `Usage: mozzie retained {ls | get | rm} FILTER... [--dry-run] [--wait SECONDS] [OPTION]...

Shows or clears what the broker keeps for topics that match.

  ls              topics, one a line
  get             messages, printed as 'mozzie sub' prints them; exit code 1 when there are none
  rm              clears them and prints their topics
  --dry-run       with rm: only prints what would be cleared
  --wait SECONDS  nothing has come for so long: that was all (default 0.5)

How to reach the broker and what to print is said as for 'mozzie sub': -h, -p, -u, -P, -v, -F, --output, ...
Its options file is not read.

Examples:
  mozzie retained ls 'hall/#'
  mozzie retained get -v 'hall/+/state'
  mozzie retained rm --dry-run 'old/#' -h broker.example
`

/** Flags of this command alone; the others are those of sub. */
export const RETAINED_FLAGS = ['--dry-run', '--wait', '--help'] as const
const USAGE_EXIT_CODE = 1
const NOT_FOUND_EXIT_CODE = 1
const SILENCE_MS_DEFAULT = 500
/** Clearing messages that are under way together. */
const REMOVALS_MAX = 100

/** @returns what is wrong, in one line, or what is wished. */
function parse(words: readonly string[]): Wish | string {
  const [action, ...rest] = words
  if (action !== 'ls' && action !== 'get' && action !== 'rm')
    return `Error: Say what to do: ls, get or rm${action === undefined ? '' : `, not '${action}'`}.`
  const forSub: string[] = []
  let isDryRun = false
  let silenceMs = SILENCE_MS_DEFAULT
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]
    if (word === '--dry-run') isDryRun = true
    else if (word === '--wait') {
      silenceMs = Number(rest[++at] ?? Number.NaN) * 1000
      if (!(silenceMs > 0 && silenceMs <= 3_600_000))
        return 'Error: --wait needs seconds behind it, more than 0 and at most 3600.'
    } else if (word.startsWith('-')) {
      const end = at + operandCount(word, rest.slice(at + 1))
      forSub.push(...rest.slice(at, end + 1))
      at = end
    } else forSub.push('-t', word)
  }
  if (isDryRun && action !== 'rm')
    return 'Error: --dry-run goes with rm: nothing else changes anything.'
  const parsed = parseWords('sub', operandsOf(forSub))
  if (!parsed.ok) return [parsed.error, parsed.hint ?? ''].join('\n').trimEnd()
  return { action, isDryRun, silenceMs, settings: parsed.settings }
}

/** How many words behind `name` are its own, by the table of sub. */
function operandCount(name: string, behind: readonly string[]): number {
  const row = flagsOfTool('sub').find(({ names }) => names.includes(name))
  return row?.operandCount(behind) ?? 0
}

/** Runs `mozzie retained` with the words behind its name; sets the exit code. */
export async function runRetained(words: readonly string[]): Promise<void> {
  if (words.includes('--help')) {
    process.stdout.write(HELP)
    return
  }
  const wish = parse(words)
  if (typeof wish === 'string') {
    process.stderr.write(`${wish}\n\nUse 'mozzie retained --help' to see usage.\n`)
    process.exitCode = USAGE_EXIT_CODE
    return
  }
  const { settings } = wish
  if (wish.action !== 'get') {
    settings.format = '%t'
    settings.output = 'text'
  }
  const out = new StandardOutput((line) => process.stderr.write(`${line}\n`))
  const failure = await run(wish, out)
  out.flush()
  process.exitCode = sayFailure(settings, failure)
}

async function run(wish: Wish, out: StandardOutput): Promise<Failure> {
  const { settings } = wish
  const convert = await decoderOf(settings.payloadFormat, settings.pretty)
  const receiver = new Receiver(settings, out, convert, {
    enough: () => {},
    removeRetained: () => {},
  })
  let session: Session
  try {
    session = await startSession(settings, { mayReturn: false })
  } catch (error) {
    return startFailure(settings, error as Error)
  }
  const { client } = session
  const outside = new Promise<Failure>((resolve) => {
    client.on('end', () => resolve(session.failure ?? DONE))
    const stop = onOutsideEnd(settings, session, resolve)
    client.on('end', stop)
  })
  const topics: string[] = []
  const show = (message: Message): void => {
    topics.push(message.topic)
    void receiver.take(message)
  }
  const failure = await Promise.race([outside, look(wish, session, show)])
  const result = failure ?? (await finish(wish, session, topics))
  await client.end()
  return result
}

/** Resolves to null when everything has been shown. */
async function look(
  { settings, silenceMs }: Wish,
  { client }: Session,
  show: (message: Message) => void,
): Promise<Failure | null> {
  let heard: () => void = () => {}
  try {
    await client.ready
    const filters = settings.filters.map((filter) => ({ filter, qos: settings.qos }))
    await client.subscribe(filters, {
      onMessage: (message) => {
        // What is published meanwhile is no retained message.
        if (!message.retain) return
        heard()
        show(message)
      },
    })
  } catch (error) {
    return error instanceof SubscribeRefusedError ? DENIED : startFailure(settings, error as Error)
  }
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    heard = () => {
      clearTimeout(timer)
      timer = setTimeout(resolve, silenceMs, null)
    }
    heard()
  })
}

async function finish(
  { action, isDryRun, settings }: Wish,
  { client }: Session,
  topics: readonly string[],
): Promise<Failure> {
  if (action === 'get' && topics.length === 0) {
    const hint = `Nothing is kept for ${settings.filters.join(', ')}, or it may not be read.`
    return { text: 'Error: No retained messages.', hint, exitCode: NOT_FOUND_EXIT_CODE }
  }
  if (action !== 'rm' || isDryRun) return DONE
  const failures: Error[] = []
  for (let at = 0; at < topics.length; at += REMOVALS_MAX) {
    const removals = topics.slice(at, at + REMOVALS_MAX).map((topic) =>
      client.publish(topic, '', { qos: 1, retain: true }).catch((error: unknown) => {
        failures.push(error as Error)
      }),
    )
    await Promise.all(removals)
  }
  if (failures.length === 0) return DONE
  const { text, hint } = publishFailure(failures[0])
  const count = `${failures.length} of ${topics.length} could not be cleared.`
  return { text, hint: hint === null ? count : `${hint}\n${count}`, exitCode: 1 }
}
