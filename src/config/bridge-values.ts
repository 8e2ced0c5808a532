/** Values of options that only bridges have. */
import { ValueError } from './config-error.ts'
import { words, wordsBeforeComment } from './lexer.ts'
import { custom, emptyValue, readInteger, type ValueType } from './value-types.ts'

export interface BridgeAddress {
  readonly host: string
  readonly port: number
  /** A `ws://`, `wss://`, `mqtt://` or `mqtts://` URL instead; null: host and port say it all. */
  readonly url: string | null
}

/** A `topic` line of a bridge. Prefixes are put before the pattern as they are, without a "/". */
export interface BridgeTopic {
  readonly pattern: string
  readonly direction: 'out' | 'in' | 'both'
  readonly qos: number
  readonly localPrefix: string
  readonly remotePrefix: string
}

/** Seconds between two attempts to connect: from `base` to `cap`, back to `base` after `stable`. */
export interface RestartTimeout {
  readonly baseSeconds: number
  readonly capSeconds: number
  readonly stableSeconds: number | null
}

/** Socket keep alive; seconds, seconds and a count. */
export interface TcpKeepAlive {
  readonly idleSeconds: number
  readonly intervalSeconds: number
  readonly probes: number
}

const MQTT_PORT = 1883
const INT_MAX = 2_147_483_647

/** `address`: the last colon separates the port, so that an IPv6 literal must carry one. */
export const addresses: ValueType<readonly BridgeAddress[]> = {
  ...custom('HOST[:PORT] | URL ...', (name, rest) => {
    const list = wordsBeforeComment(rest)
    if (list.length === 0) throw emptyValue(name)
    return list.map((word) => readAddress(name, word))
  }),
  onceOnly: true,
}

const schemes = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:'])

function readUrl(name: string, word: string): BridgeAddress {
  const url = URL.canParse(word) ? new URL(word) : null
  if (url === null || url.hostname === '' || !schemes.has(url.protocol))
    throw new ValueError(`"${name}" value "${word}" is no URL of a broker, like wss://host/mqtt.`)
  if (url.username !== '' || url.password !== '')
    throw new ValueError(
      `"${name}": user and password are "remote_username" and "remote_password".`,
    )
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port), url: word }
}

function readAddress(name: string, word: string): BridgeAddress {
  if (word.includes('://')) return readUrl(name, word)
  const colon = word.lastIndexOf(':')
  const host = (colon === -1 ? word : word.slice(0, colon)).replace(/^\[(.*)\]$/, '$1')
  if (host === '') throw new ValueError(`"${name}" value "${word}" names no host.`)
  if (colon === -1) return { host, port: MQTT_PORT, url: null }
  const port = readInteger(`${name} port`, word.slice(colon + 1), 1, 65_535)
  return { host, port, url: null }
}

/** What is too little stands for the least, as in mosquitto. */
export const atLeastOne = (value: number): number => Math.max(1, value)

const readRestartTimeout = custom('N | BASE CAP [STABLE]', (name, rest): RestartTimeout => {
  const [first, second, third] = words(rest)
  if (second === undefined) {
    const seconds = readInteger(name, first, 1, 3600, atLeastOne)
    return { baseSeconds: seconds, capSeconds: seconds, stableSeconds: null }
  }
  const baseSeconds = readInteger(`${name} base`, first, 1, 7200, atLeastOne)
  const capSeconds = readInteger(`${name} cap`, second, baseSeconds, 7200)
  const stableSeconds =
    third === undefined ? null : readInteger(`${name} stable`, third, 0, INT_MAX)
  return { baseSeconds, capSeconds, stableSeconds }
})

export const tcpKeepAlive = custom('IDLE INTERVAL COUNT', (name, rest): TcpKeepAlive => {
  const numbers = words(rest).map((word) => readInteger(name, word, 1, INT_MAX))
  if (numbers.length !== 3) throw new ValueError(`"${name}" needs three numbers, all above 0.`)
  const [idleSeconds, intervalSeconds, probes] = numbers
  return { idleSeconds, intervalSeconds, probes }
})

/** `topic PATTERN [[[out|in|both] QOS] LOCAL_PREFIX REMOTE_PREFIX]`; `""` stands for nothing. */
export const bridgeTopic = custom(
  'PATTERN [[[out | in | both] QOS] LOCAL_PREFIX REMOTE_PREFIX]',
  (name, rest): BridgeTopic => {
    const { pattern, behind } = splitPattern(name, rest.trim())
    const [direction = 'out', qos = '0', local = '', remote = ''] = wordsBeforeComment(behind)
    const localPrefix = local === '""' ? '' : local
    const remotePrefix = remote === '""' ? '' : remote
    if (pattern === '' && (localPrefix === '' || remotePrefix === ''))
      throw new ValueError(`"${name}" without a pattern needs a local and a remote topic.`)
    return {
      pattern,
      direction: readDirection(name, direction),
      qos: readInteger(`${name} QoS`, qos, 0, 2),
      localPrefix,
      remotePrefix,
    }
  },
)

function splitPattern(name: string, rest: string): { pattern: string; behind: string } {
  if (rest.startsWith('"')) {
    const close = rest.indexOf('"', 1)
    if (close === -1) throw new ValueError(`"${name}" pattern lacks its closing quote.`)
    return { pattern: rest.slice(1, close), behind: rest.slice(close + 1) }
  }
  const space = rest.indexOf(' ')
  if (space === -1) return { pattern: rest, behind: '' }
  return { pattern: rest.slice(0, space), behind: rest.slice(space + 1) }
}

function readDirection(name: string, word: string): BridgeTopic['direction'] {
  const lower = word.toLowerCase()
  if (lower === 'out' || lower === 'in' || lower === 'both') return lower
  throw new ValueError(`"${name}" direction must be out, in or both, not "${word}".`)
}

export const restartTimeout: ValueType<RestartTimeout> = {
  ...readRestartTimeout,
  show: ({ baseSeconds, capSeconds }) => `${baseSeconds} ${capSeconds}`,
}
