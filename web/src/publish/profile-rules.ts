/** What a connection must fulfil before it can be tried. */
import { topicNameProblem } from '../../../src/topics/names.ts'
import { correlationBytes, fromHex } from '../decode/bytes.ts'
import { UINT32_MAX } from './outgoing.ts'
import { scramHash, type Profile } from '../model/profile.ts'

export type ProfileProblem =
  | 'host'
  | 'port'
  | 'clientId'
  | 'password'
  | ScramProblem
  | 'keepAlive'
  | 'number'
  | 'willTopic'
  | 'hex'
type ScramProblem = 'scramUser' | 'scramContext'

const inRange = (text: string, min: number, max: number): boolean => {
  const value = Number(text)
  return text.trim() === '' || (Number.isInteger(value) && value >= min && value <= max)
}

/** Browsers give it to pages of https and of this machine only. */
function hasCryptography(): boolean {
  return (globalThis.crypto as { subtle?: object }).subtle !== undefined
}

type Rule = readonly [problem: ProfileProblem, holds: (profile: Profile) => boolean]

const isHex = (text: string) => !/^0x/i.test(text) || fromHex(text) !== null

const RULES: readonly Rule[] = [
  ['host', ({ host }) => host.trim() !== '' && !/[\s/]/.test(host)],
  ['port', ({ port }) => Number.isInteger(port) && port >= 1 && port <= 65535],
  [
    'clientId',
    ({ clientId, cleanStart, version }) =>
      clientId !== '' || (version > 3 && (cleanStart || version === 5)),
  ],
  [
    'password',
    ({ username, password, version }) => version === 5 || password === '' || username !== '',
  ],
  ['scramUser', (profile) => scramHash(profile) === null || profile.username !== ''],
  ['scramContext', (profile) => scramHash(profile) === null || hasCryptography()],
  ['keepAlive', ({ keepAliveSeconds }) => inRange(String(keepAliveSeconds), 0, 65535)],
  [
    'number',
    ({ connectTimeoutSeconds, reconnectMs, reconnectsMax }) =>
      [connectTimeoutSeconds, reconnectMs, reconnectsMax].every((value) =>
        inRange(String(value), 0, 86_400_000),
      ),
  ],
  ['number', ({ sessionExpirySeconds }) => inRange(sessionExpirySeconds, 0, UINT32_MAX)],
  [
    'number',
    ({ receiveMaximum, topicAliasMaximum }) =>
      inRange(receiveMaximum, 1, 65535) && inRange(topicAliasMaximum, 0, 65535),
  ],
  ['number', ({ maximumPacketSize }) => inRange(maximumPacketSize, 1, UINT32_MAX)],
  ['willTopic', ({ will }) => !will.on || topicNameProblem(will.topic) === null],
  [
    'number',
    ({ will }) =>
      inRange(will.delaySeconds, 0, UINT32_MAX) && inRange(will.expirySeconds, 0, UINT32_MAX),
  ],
  [
    'hex',
    ({ authenticationData, will }) =>
      isHex(authenticationData) && correlationBytes(will.correlation) !== null,
  ],
]

/** The first rule that does not hold; null: all do. */
export function profileProblem(profile: Profile): ProfileProblem | null {
  return RULES.find(([, holds]) => !holds(profile))?.[0] ?? null
}
