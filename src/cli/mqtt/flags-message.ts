/** Flags about what is published, and to which topics messages belong. */
import { topicFilterProblem, topicNameProblem } from '../../topics/names.ts'
import { flagsOf, isMalformed, wholeNumber, type Operand } from './flag.ts'
import type { MessageSource, PayloadFormat, Settings, Tool } from './settings.ts'

const message = flagsOf('message')

const SENDERS: readonly Tool[] = ['pub', 'rr']
const REPEAT_DELAY_SECONDS_MAX = 2_147_483

function setMessage(settings: Settings, source: MessageSource): string | null {
  if (settings.message !== null) return 'Error: Only one type of message can be sent at once.'
  settings.message = source
  return null
}

/** A topic to publish to (pub, rr), of which the last counts, or one more filter (sub). `argument`: for errors. */
export function addTopic(settings: Settings, operand: Operand, argument: string): string | null {
  const { text } = operand
  if (isMalformed(operand)) return `Error: Malformed UTF-8 in ${argument} argument.`
  if (settings.tool === 'sub') {
    if (topicFilterProblem(text) !== null) {
      return `Error: Invalid subscription topic '${text}', are all '+' and '#' wildcards correct?`
    }
    settings.filters.push(text)
    return null
  }
  if (topicNameProblem(text) !== null) {
    return `Error: Invalid publish topic '${text}', does it contain '+' or '#'?`
  }
  settings.topic = text
  return null
}

function addFilter(
  list: string[],
  operand: Operand,
  argument: string,
  kind: string,
): string | null {
  if (isMalformed(operand)) return `Error: Malformed UTF-8 in ${argument} argument.`
  if (topicFilterProblem(operand.text) !== null) {
    return `Error: Invalid ${kind} topic '${operand.text}', are all '+' and '#' wildcards correct?`
  }
  list.push(operand.text)
  return null
}

function setResponseTopic(settings: Settings, operand: Operand): string | null {
  if (isMalformed(operand)) return 'Error: Malformed UTF-8 in -e argument.'
  if (topicNameProblem(operand.text) !== null) {
    return `Error: Invalid response topic '${operand.text}', does it contain '+' or '#'?`
  }
  settings.responseTopic = operand.text
  return null
}

function setDelay(settings: Settings, text: string): string | null {
  const seconds = /^[0-9]*\.?[0-9]+$|^[0-9]+\.$/.test(text) ? Number(text) : -1
  if (seconds < 0 || seconds > REPEAT_DELAY_SECONDS_MAX) {
    return 'Error: --repeat-delay argument must be >=0.0.'
  }
  settings.repeatDelayMs = seconds * 1000
  return null
}

const FORMATS: readonly PayloadFormat[] = ['raw', 'cbor', 'msgpack', 'json', 'hex', 'base64']

export const MESSAGE_FLAGS = [
  message(
    '-t --topic',
    ['TOPIC', 'no topic specified'],
    'topic; sub takes wildcards, and several',
    (settings, operand) => addTopic(settings, operand, '-t'),
  ),
  message(
    '-m --message',
    ['TEXT', 'no message specified'],
    'send TEXT',
    (settings, { bytes }) => setMessage(settings, { kind: 'text', payload: bytes }),
    { tools: SENDERS },
  ),
  message(
    '-f --file',
    ['FILE', 'no file specified'],
    'send what FILE holds',
    (settings, { text }) => setMessage(settings, { kind: 'file', path: text }),
    { tools: SENDERS },
  ),
  message(
    '-s --stdin-file',
    null,
    'send standard input as one message',
    (settings) => setMessage(settings, { kind: 'stdin' }),
    { tools: SENDERS },
  ),
  message(
    '-l --stdin-line',
    null,
    'send each line of standard input as a message',
    (settings) => setMessage(settings, { kind: 'lines', ownTopics: false }),
    { tools: ['pub'] },
  ),
  message(
    '--stdin-topics',
    null,
    'as -l, but each line is a topic, a blank and the message,\nas sub -v prints them',
    (settings) => setMessage(settings, { kind: 'lines', ownTopics: true }),
    { tools: ['pub'] },
  ),
  message(
    '-n --null-message',
    null,
    'send an empty message; with -r it clears what is retained',
    (settings) => setMessage(settings, { kind: 'null' }),
    { tools: SENDERS },
  ),
  message(
    '-e',
    ['TOPIC', 'no response topic specified'],
    'topic that the answer is to come to',
    setResponseTopic,
    { tools: ['rr'] },
  ),
  message(
    '-q --qos',
    ['QOS', 'no QoS specified'],
    'quality of service: 0, 1 or 2 (0)',
    (settings, { text }) => {
      const qos = wholeNumber(text, 0, 2)
      if (qos === null) return `Error: Invalid QoS given: ${text}`
      settings.qos = qos as 0 | 1 | 2
      return null
    },
    { choices: ['0', '1', '2'] },
  ),
  message(
    '-r --retain',
    null,
    'the broker keeps the message for later subscribers',
    (settings) => {
      settings.retain = true
    },
    { tools: SENDERS },
  ),
  message(
    '--repeat',
    ['COUNT', 'no count specified'],
    'send the message so often',
    (settings, { text }) => {
      const count = wholeNumber(text, 1, Number.MAX_SAFE_INTEGER)
      if (count === null) return 'Error: --repeat argument must be >0.'
      settings.repeatCount = count
      return null
    },
    { tools: ['pub'] },
  ),
  message(
    '--repeat-delay',
    ['SECONDS', 'no time specified'],
    'pause between them, such as 0.5',
    (settings, { text }) => setDelay(settings, text),
    { tools: ['pub'] },
  ),
  message(
    '-U --unsubscribe',
    ['FILTER', 'no unsubscribe topic specified'],
    'unsubscribe after connecting; repeatable',
    (settings, operand) => addFilter(settings.unsubscribes, operand, '-U', 'unsubscribe'),
    { tools: ['sub'] },
  ),
  message(
    '-T --filter-out',
    ['FILTER', 'no topic filter specified'],
    'do not print messages of these topics; repeatable',
    (settings, operand) => addFilter(settings.filtersOut, operand, '-T', 'filter'),
    { tools: ['sub'] },
  ),
  message(
    '--format',
    ['FORMAT', 'no format specified'],
    'payloads are cbor, msgpack, json, hex or base64:\npub makes them of JSON (or of hex or base64 digits),\nsub prints them as JSON (or as digits)',
    (settings, { text }) => {
      if (!(FORMATS as readonly string[]).includes(text)) {
        return `Error: Invalid payload format '${text}', it must be one of ${FORMATS.join(', ')}.`
      }
      settings.payloadFormat = text as PayloadFormat
      return null
    },
    { choices: FORMATS },
  ),
]
