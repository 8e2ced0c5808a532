/** Flags about the session: who connects, in which version, with which will and properties. */
import type { Version } from '../../codec/packets.ts'
import { topicNameProblem } from '../../topics/names.ts'
import { flagsOf, isMalformed, wholeNumber } from './flag.ts'
import { addProperty, propertyWordCount, PROPERTY_WORDS } from './property-arguments.ts'
import { NEVER_EXPIRES, type Settings } from './settings.ts'

const session = flagsOf('session')

const VERSIONS: Readonly<Record<string, Version>> = {
  mqttv31: 3,
  '31': 3,
  mqttv311: 4,
  '311': 4,
  mqttv5: 5,
  '5': 5,
}

const TWO_IDS = 'Error: -i and -I argument cannot be used together.'

function setExpiry(settings: Settings, text: string): string | null {
  const never = text === '-1' || text === '∞'
  if (!never && !/^-?[0-9]+$/.test(text)) return 'Error: session-expiry-interval not a number.'
  const seconds = never ? NEVER_EXPIRES : wholeNumber(text, 0, NEVER_EXPIRES)
  if (seconds === null) return 'Error: session-expiry-interval out of range.'
  settings.sessionExpirySeconds = seconds
  settings.version = 5
  return null
}

export const SESSION_FLAGS = [
  session(
    '-i --id',
    ['ID', 'no id specified'],
    'client id; left out, the broker makes one up',
    (settings, { text }) => {
      if (text === '') return 'Error: Invalid id.'
      if (settings.clientIdPrefix !== null) return TWO_IDS
      settings.clientId = text
      return null
    },
  ),
  session(
    '-I --id-prefix',
    ['PREFIX', 'no id prefix specified'],
    'client id: PREFIX and the process id',
    (settings, { text }) => {
      if (settings.clientId !== null) return TWO_IDS
      settings.clientIdPrefix = text
      return null
    },
  ),
  session('-u --username', ['NAME', 'no username specified'], 'user name', (settings, { text }) => {
    settings.username = text
  }),
  session(
    '-P --pw',
    ['PASSWORD', 'no password specified'],
    'password; other users of this machine may see it in the\nlist of processes: an options file (-o) keeps it out of there',
    (settings, { bytes }) => {
      settings.password = bytes
    },
  ),
  session(
    '--scram',
    ['HASH', 'no hash specified'],
    'prove the password of -P instead of sending it: sha-256,\nor sha-512 for hashes of mosquitto (5.0)',
    (settings, { text }) => {
      const hash = text.toUpperCase()
      if (hash !== 'SHA-256' && hash !== 'SHA-512') return 'Error: --scram is sha-256 or sha-512.'
      settings.scram = hash
      settings.version = 5
      return null
    },
    { choices: ['sha-256', 'sha-512'] },
  ),
  session(
    '-V --protocol-version',
    ['VERSION', 'no version specified'],
    'mqttv31, mqttv311 or mqttv5',
    (settings, { text }) => {
      if (!Object.hasOwn(VERSIONS, text)) return 'Error: Invalid protocol version argument given.'
      settings.version = VERSIONS[text]
      return null
    },
    { choices: ['mqttv5', 'mqttv311', 'mqttv31'] },
  ),
  session(
    '-c --disable-clean-session',
    null,
    'keep the session on the broker; needs -i',
    (settings) => {
      settings.cleanStart = false
    },
  ),
  session(
    '-x',
    ['SECONDS', 'no session expiry interval specified'],
    'keep the session so long after the end; -1: for good (5.0)',
    (settings, { text }) => setExpiry(settings, text),
  ),
  session(
    '-k --keepalive',
    ['SECONDS', 'no keepalive specified'],
    'keep alive, 5 to 65535 (60)',
    (settings, { text }) => {
      const seconds = wholeNumber(text, 5, 65_535)
      if (seconds === null) {
        return 'Error: Invalid keepalive given, it must be between 5 and 65535 inclusive.'
      }
      settings.keepAliveSeconds = seconds
      return null
    },
  ),
  session(
    '-M',
    ['COUNT', 'max_inflight not specified'],
    'messages of QoS 1 and 2 under way at once (20)',
    (settings, { text }) => {
      const count = wholeNumber(text, 1, 65_535)
      if (count === null) return 'Error: Maximum inflight messages must be greater than 0.'
      settings.inflightMax = count
      return null
    },
  ),
  session(
    '--will-topic',
    ['TOPIC', 'no will topic specified'],
    'the broker publishes to TOPIC when this client is cut off',
    (settings, operand) => {
      if (isMalformed(operand)) return 'Error: Malformed UTF-8 in --will-topic argument.'
      if (topicNameProblem(operand.text) !== null) {
        return `Error: Invalid will topic '${operand.text}', does it contain '+' or '#'?`
      }
      settings.will.topic = operand.text
      return null
    },
  ),
  session(
    '--will-payload',
    ['TEXT', 'no will payload specified'],
    'payload of the will',
    (settings, { bytes }) => {
      settings.will.payload = bytes
    },
  ),
  session(
    '--will-qos',
    ['QOS', 'no will QoS specified'],
    'QoS of the will',
    (settings, { text }) => {
      const qos = wholeNumber(text, 0, 2)
      if (qos === null) return `Error: Invalid will QoS ${text}.`
      settings.will.qos = qos as 0 | 1 | 2
      return null
    },
    { choices: ['0', '1', '2'] },
  ),
  session('--will-retain', null, 'the will is retained', (settings) => {
    settings.will.retain = true
  }),
  session(
    '-D --property',
    ['PACKET PROPERTY VALUE', 'not enough arguments specified'],
    'a property of MQTT 5.0, such as\n-D publish content-type text/plain\n-D connect user-property NAME VALUE',
    (settings, _, words) => addProperty(settings, words),
    {
      operandCount: propertyWordCount,
      choices: PROPERTY_WORDS.packets,
    },
  ),
]
