/** Flags about what is printed, and when it is enough. */
import { parseFormat } from './format.ts'
import { flagsOf, wholeNumber } from './flag.ts'
import type { Settings, Tool } from './settings.ts'

const output = flagsOf('output')
const other = flagsOf('other')

const RECEIVERS: readonly Tool[] = ['sub', 'rr']
const SUB: { tools: readonly Tool[] } = { tools: ['sub'] }
const TIMEOUT_SECONDS_MAX = 2_147_483

const RETAIN_HANDLINGS: Readonly<Record<string, Settings['retainHandling']>> = {
  always: 0,
  new: 1,
  never: 2,
}

function setFormat(settings: Settings, text: string): string | null {
  const parsed = parseFormat(text)
  if (!parsed.ok) return parsed.error
  settings.format = text
  return null
}

export const OUTPUT_FLAGS = [
  output(
    '-v --verbose',
    null,
    'print the topic in front of each message',
    (settings) => {
      settings.verbose = true
    },
    { tools: RECEIVERS },
  ),
  output(
    '-F',
    ['FORMAT', 'no format specified'],
    'print messages like this; %t topic, %p payload, %j JSON, …',
    (settings, { text }) => setFormat(settings, text),
    { tools: RECEIVERS },
  ),
  output(
    '--output',
    ['KIND', 'no kind specified'],
    'jsonl: one JSON object a line, whatever the payload is',
    (settings, { text }) => {
      if (text !== 'text' && text !== 'jsonl') {
        return `Error: Invalid output '${text}', it must be text or jsonl.`
      }
      settings.output = text
      return null
    },
    { tools: RECEIVERS, choices: ['text', 'jsonl'] },
  ),
  output(
    '--pretty',
    null,
    'indent JSON',
    (settings) => {
      settings.pretty = true
    },
    { tools: RECEIVERS },
  ),
  output(
    '-N',
    null,
    'no end of line behind messages',
    (settings) => {
      settings.newline = false
    },
    { tools: RECEIVERS },
  ),
  output(
    '-w --watch',
    null,
    'one line on the screen for each topic',
    (settings) => {
      settings.watch = true
      settings.verbose = true
    },
    SUB,
  ),
  output(
    '--message-rate',
    null,
    'print how many messages came each second, not what they are',
    (settings) => {
      settings.messageRate = true
    },
    SUB,
  ),
  output(
    '--random-filter',
    ['PERCENT', 'no chance specified'],
    'print only so many of the messages, 0.1 to 100',
    (settings, { text }) => {
      const percent = /^[0-9]*\.?[0-9]+$|^[0-9]+\.$/.test(text) ? Number(text) : 0
      if (percent < 0.1 || percent > 100) {
        return 'Error: --random-filter chance must be between 0.1-100.0'
      }
      settings.randomFilter = percent
      return null
    },
    SUB,
  ),
  output(
    '-R',
    null,
    'do not print retained messages',
    (settings) => {
      settings.noRetained = true
    },
    { tools: RECEIVERS },
  ),
  output(
    '--retained-only',
    null,
    'print retained messages only, end at the first other one',
    (settings) => {
      settings.retainedOnly = true
    },
    SUB,
  ),
  output(
    '--remove-retained',
    null,
    'clear the retained messages that come; -T spares some',
    (settings) => {
      settings.removeRetained = true
    },
    SUB,
  ),
  output(
    '--retain-as-published',
    null,
    'keep the retain flag as it was sent (5.0)',
    (settings) => {
      settings.retainAsPublished = true
    },
    { tools: RECEIVERS },
  ),
  output(
    '--retain-handling',
    ['WHEN', 'no handling specified'],
    'retained messages always, only to a new subscription, or\nnever (5.0)',
    (settings, { text }) => {
      if (!Object.hasOwn(RETAIN_HANDLINGS, text)) {
        return `Error: Unknown retain handling '${text}', it must be always, new or never.`
      }
      settings.retainHandling = RETAIN_HANDLINGS[text]
      return null
    },
    { tools: RECEIVERS, choices: Object.keys(RETAIN_HANDLINGS) },
  ),
  output(
    '-C',
    ['COUNT', 'no count specified'],
    'end after so many messages',
    (settings, { text }) => {
      const count = wholeNumber(text, 1, Number.MAX_SAFE_INTEGER)
      if (count === null) return `Error: Invalid message count "${text}".`
      settings.messageCountMax = count
      return null
    },
    SUB,
  ),
  output(
    '-W',
    ['SECONDS', 'no timeout specified'],
    'end after so long, with exit code 27',
    (settings, { text }) => {
      const seconds = wholeNumber(text, 1, TIMEOUT_SECONDS_MAX)
      if (seconds === null) return `Error: Invalid timeout "${text}".`
      settings.timeoutSeconds = seconds
      return null
    },
    { tools: RECEIVERS },
  ),
  output(
    '-E',
    null,
    'end as soon as the broker has subscribed',
    (settings) => {
      settings.exitAfterSubscribe = true
    },
    SUB,
  ),
  output(
    '--exec',
    ['COMMAND …', 'no command specified'],
    'run COMMAND for each message, all words behind it are its\nown; no shell: the payload is its input, $MQTT_TOPIC the topic',
    (settings, _, words) => {
      settings.command = words.map(({ text }) => text)
    },
    { ...SUB, operandCount: (rest) => Math.max(1, rest.length) },
  ),
  output(
    '--latency',
    null,
    'print how long the answer took',
    (settings) => {
      settings.latency = true
    },
    { tools: ['rr'] },
  ),
]

export const OTHER_FLAGS = [
  other('-d --debug', null, 'print the packets that come and go', (settings) => {
    settings.debug = true
  }),
  other('--quiet', null, 'no error messages', (settings) => {
    settings.quiet = true
  }),
  other(
    '-o',
    ['FILE', 'no options file specified'],
    'read options from FILE instead of the default one',
    (settings, { text }) => {
      settings.optionsFile = text
    },
  ),
  other('--help', null, 'show this text and stop', (settings) => {
    settings.action = 'help'
  }),
  other('--version', null, 'show the version and stop', (settings) => {
    settings.action = 'version'
  }),
]
