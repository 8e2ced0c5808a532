/** A message as the command that publishes it again. */
import { asText, toBase64 } from '../decode/bytes.ts'
import type { Detail } from '../model/message.ts'
import { scramHash, type Profile } from '../model/profile.ts'

/** What a terminal acts on when it is pasted, quoted or not: Ctrl-U, Ctrl-C, Escape, Tab. A line that goes on is none. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const KEYS = /[\x01-\x09\x0b-\x1f\x7f-\x9f]/g

/** Quoted for a POSIX shell, and harmless in a terminal that it is pasted into. */
export function shellQuote(text: string): string {
  if (text.search(KEYS) !== -1) {
    const octal = (key: string) =>
      [...new TextEncoder().encode(key)]
        .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
        .join('')
    return `$'${text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(KEYS, octal)}'`
  }
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** For the shell to fill in; no text of a message is taken for it. */
const PASSWORD = Symbol('password')

const VERSIONS = { 3: 'mqttv31', 4: 'mqttv311', 5: 'mqttv5' } as const

type Word = string | typeof PASSWORD

/** Whom to talk to, and as whom. */
function connectionWords(profile: Profile): Word[] {
  const words: Word[] = ['--ws', '-h', profile.host, '-p', String(profile.port)]
  // The authorities that the browser trusts are those of the system.
  if (profile.scheme === 'wss') words.push('--tls-use-os-certs')
  words.push('-V', VERSIONS[profile.version])
  const hash = scramHash(profile)
  if (hash !== null) words.push('--scram', hash.toLowerCase())
  if (profile.username !== '') words.push('-u', profile.username)
  if (profile.password !== '' || hash !== null) words.push('-P', PASSWORD)
  return words
}

/**
 * `mozzie pub` by the same WebSocket as the page, with the flags of `mosquitto_pub`. Passwords stay out of it: the shell is to
 * know it as `MQTT_PASSWORD`. The tool knows the path /mqtt only.
 */
export function commandLine(profile: Profile, message: Detail): string {
  const { properties } = message
  const words = ['mozzie', 'pub', ...connectionWords(profile)]
  words.push('-t', message.topic)
  if (message.qos > 0) words.push('-q', String(message.qos))
  if (message.retain) words.push('-r')
  const property = (name: string, ...values: (string | number | undefined)[]) => {
    if (values.some((value) => value === undefined)) return
    words.push('-D', 'publish', name, ...values.map(String))
  }
  property('content-type', properties?.contentType)
  property('response-topic', properties?.responseTopic)
  property('payload-format-indicator', properties?.payloadFormat)
  property('message-expiry-interval', properties?.messageExpirySeconds)
  const correlation = properties?.correlationData
  const correlationWords = correlation === undefined ? null : asText(correlation)
  if (correlationWords !== null) property('correlation-data', correlationWords)
  for (const [name, value] of properties?.userProperties ?? [])
    property('user-property', name, value)
  const text = asText(message.payload)
  if (message.size === 0) words.push('-n')
  else if (text === null || text.includes('\0') || text.search(KEYS) !== -1) words.push('-s')
  else words.push('-m', text)
  const command = words
    .map((word) => (word === PASSWORD ? '"$MQTT_PASSWORD"' : shellQuote(word)))
    .join(' ')
  return words.at(-1) === '-s'
    ? `echo ${toBase64(message.payload)} | base64 -d | ${command}`
    : command
}
