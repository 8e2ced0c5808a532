/** What `--help` prints, made of the table of flags. */
import { flagsOfTool } from './arguments.ts'
import type { Flag, FlagGroup } from './flag.ts'
import type { Tool } from './settings.ts'

const SUMMARIES: Readonly<Record<Tool, string>> = {
  pub: 'Publishes a message, or many, and ends.',
  sub: 'Subscribes to topics and prints the messages that come.',
  rr: 'Publishes a request, waits for the answer and prints it.',
}

const USAGES: Readonly<Record<Tool, string>> = {
  pub: '-t TOPIC {-m TEXT | -f FILE | -s | -l | -n} [OPTION]...',
  sub: '-t FILTER [-t FILTER]... [OPTION]...',
  rr: '-t TOPIC -e ANSWER-TOPIC {-m TEXT | -f FILE | -s | -n} [OPTION]...',
}

/** Headings, in the order of the help text. */
export const GROUP_TITLES: Readonly<Record<FlagGroup, string>> = {
  message: 'Topics and messages',
  output: 'Output, and when it is enough',
  session: 'Session',
  network: 'Way to the broker',
  tls: 'TLS',
  other: 'Other',
}

type Example = readonly [command: string, what: string]

const EXAMPLES: Readonly<Record<Tool, readonly Example[]>> = {
  pub: [
    ['-t hall/light -m on', 'one message'],
    ['-h broker.example -t hall/light -m on -q 1 -r', 'kept by the broker, acknowledged'],
    ['-t hall/light -n -r', 'clear what the broker keeps'],
    ['-t sensor/1 --format cbor -m \'{"t":21.5}\'', 'CBOR made of JSON'],
    ['-t log/app -l -q 1 < app.log', 'a message for each line'],
    ['-L mqtts://user:secret@broker.example/hall/light -m on', 'TLS, all in one'],
  ],
  sub: [
    ["-t 'hall/#' -v", 'all below hall, with topics'],
    ['-t hall/light -C 1 -W 5', 'one message, or give up after 5 s'],
    ["-t '#' --output jsonl", 'a JSON object for each message'],
    ["-t 'sensor/+' -F '@Y-@m-@d @H:@M:@S  %t  %x'", 'time, topic, payload in hex'],
    ["-t 'sensor/+' --format msgpack --pretty", 'MessagePack as JSON'],
    ["-t 'hall/#' -i hall -c -q 1", 'what came while we were away, too'],
  ],
  rr: [
    ['-t clock/get -e clock/answer/7 -m now', 'ask, and print the answer'],
    ['-t clock/get -e clock/answer/7 -m now -W 2', 'give up after 2 s'],
  ],
}

/** Codes of a terminal around a text, or nothing. */
interface Style {
  readonly title: (text: string) => string
  readonly flag: (text: string) => string
}

const plain: Style = { title: (text) => text, flag: (text) => text }
const coloured: Style = {
  title: (text) => `\u001b[1m${text}\u001b[0m`,
  flag: (text) => `\u001b[36m${text}\u001b[0m`,
}

const LEFT_COLUMNS = 26

function flagLines({ names, operand, help }: Flag, style: Style): string[] {
  const isShort = (names[0] ?? '').length === 2
  const left = [`${isShort ? '' : '    '}${names.join(', ')}`, operand ?? ''].join(' ').trimEnd()
  const [first, ...more] = help.split('\n')
  const indent = ' '.repeat(LEFT_COLUMNS + 4)
  const head =
    left.length > LEFT_COLUMNS
      ? [`  ${style.flag(left)}`, `${indent}${first}`]
      : [`  ${style.flag(left)}${' '.repeat(LEFT_COLUMNS - left.length)}  ${first}`]
  return [...head, ...more.map((line) => `${indent}${line}`)]
}

/** @param program What the user typed: `mozzie pub`, `mosquitto_pub`. */
export function helpText(tool: Tool, program: string, isColoured: boolean): string {
  const style = isColoured ? coloured : plain
  const flags = flagsOfTool(tool)
  const groups = (Object.keys(GROUP_TITLES) as FlagGroup[]).filter((group) =>
    flags.some((row) => row.group === group),
  )
  return [
    `${style.title('Usage:')} ${program} ${USAGES[tool]}`,
    '',
    SUMMARIES[tool],
    ...groups.flatMap((group) => [
      '',
      style.title(`${GROUP_TITLES[group]}:`),
      ...flags.filter((row) => row.group === group).flatMap((row) => flagLines(row, style)),
    ]),
    '',
    style.title('Examples:'),
    ...EXAMPLES[tool].flatMap(([command, what]) => [
      `  ${style.flag('#')} ${what}`,
      `  ${program} ${command}`,
    ]),
    '',
    `Options may also stand in the file mosquitto_${tool} in ~/.config, one a line.`,
    '',
  ].join('\n')
}
