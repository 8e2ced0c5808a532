// Chinese without English left in: what the broker, its API and the page's own parts say, read from the sources that say it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endingWords, refusalWords } from '../../src/broker/state/words.ts'
import { problemInChinese as ofApi } from '../../web/src/broker/problems-zh.ts'
import { reasonInChinese } from '../../web/src/broker/reasons-zh.ts'
import { problemInChinese as ofPage } from '../../web/src/i18n/problems-zh.ts'
import { en as brokerEnglish } from '../../web/src/broker/words-en.ts'
import { en } from '../../web/src/i18n/en.ts'
import { endWords } from '../../web/src/i18n/reasons.ts'

const isChinese = (text: string) => /\p{Script=Han}/u.test(text)

/** @param place A file, or a folder with all below it. */
const filesOf = (place: string) =>
  place.endsWith('.ts')
    ? [place]
    : readdirSync(place, { encoding: 'utf8', recursive: true })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(place, name))

/** The texts that `thrown` stands before in a place; a number stands for each part that is filled in. */
function textsOf(place: string, thrown: RegExp): string[] {
  const pattern = new RegExp(`${thrown.source}\\s*(?:\\d+,\\s*)?('[^']+'|"[^"]+"|\`[^\`]+\`)`, 'g')
  return filesOf(place).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, quoted = '']) =>
      quoted.slice(1, -1).replaceAll(/\$\{[^}]+\}/g, '7'),
    ),
  )
}

const leftIn = (texts: string[], inChinese: (text: string) => string) =>
  texts.filter((text) => !isChinese(inChinese(text)))

/** What no request of the page is answered with. */
const NOT_OF_THE_PAGE = new Set([
  '7: this is no base64.',
  '7: there is no "7", only 7.',
  'querystring/7 must be a finite number',
  '7: 7',
  'topic: 7',
  'filter: 7',
  '7: "7".',
  '7.',
])

test('what the API answers instead is said in Chinese', () => {
  const said = ['src/admin', 'src/server'].flatMap((place) => textsOf(place, /new HttpError\(/))
  const bans = textsOf('src/auth/bans', /new BanError\('\w+',/)
  const users = textsOf('src/auth/dynamic', /new CommandError\(/)
  assert.ok(said.length > 20 && bans.length > 2 && users.length > 10)
  const wanted = [...said, ...bans, ...users].filter((text) => !NOT_OF_THE_PAGE.has(text))
  assert.deepEqual(leftIn(wanted, ofApi), [])
})

test('why connections end or are refused is said in Chinese', () => {
  const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => code >= 0x80)
  const hasWords = (words: string) => !words.startsWith('0x')
  const known = codes.map(endingWords).filter(hasWords)
  const refused = codes.map(refusalWords).filter(hasWords)
  const written = [
    ...textsOf('src/broker', /text: /),
    ...textsOf('src/transports', /\.report\(/),
    ...textsOf('src/broker', /closeFor\([^()]*, /),
    ...textsOf('src/transports/entrance.ts', /return (?=')/),
  ]
  assert.ok(known.length > 20 && written.length > 5)
  assert.deepEqual(leftIn([...known, ...refused, ...written], reasonInChinese), [])
})

test('why a connection of the client broke is said in Chinese', () => {
  const texts = [
    ...textsOf('src/client', /text = /),
    ...textsOf('src/client', /'(?:CLOSED|CONNECT)', /),
  ]
  const said = texts.filter((text) =>
    /^(?:connection lost|cannot connect|the server closed)/.test(text),
  )
  const closed = ['connection lost: the server closed the connection']
  assert.ok(said.length > 3)
  assert.deepEqual(leftIn([...said, ...closed], ofPage), [])
})

test('a refusal of MQTT 3.x is said in words [MQTT-3.2.2-4]', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((code) => endWords(code, 'en')),
    [
      'Unsupported Protocol Version (0x01)',
      'Client Identifier not valid (0x02)',
      'Server unavailable (0x03)',
      'Bad User Name or Password (0x04)',
      'Not authorized (0x05)',
    ],
  )
  assert.equal(endWords(5, 'zh'), '未授权（0x05）')
  assert.equal(endWords(0x8e, 'zh'), '会话被接管（0x8e）')
})

test('why something is allowed or not is said in Chinese', () => {
  const written = [
    ...textsOf('src/auth/security.ts', /because: (?:rule\?\.place \?\? )?/),
    ...textsOf('src/auth/security.ts', /return (?=['`][a-z])/),
  ]
  assert.ok(written.length > 4)
  // An option and its value are the same in every language.
  const wanted = written.filter((text) => text !== 'sys_access 7')
  assert.deepEqual(leftIn(wanted, reasonInChinese), [])
})

test("what the page's own parts say of a problem is said in Chinese", () => {
  const said = ['publish', 'decode', 'capture'].flatMap((folder) =>
    textsOf(join('web/src', folder), /new (?:\w+Error)\((?:at, )?/),
  )
  const topics = textsOf('src/topics/names.ts', /return (?=['`"][a-z'])/)
  assert.ok(said.length > 20 && topics.length > 5)
  const wanted = [...said, ...topics].filter(
    (text) => !['IndexedDB', 'empty', '7: 7'].includes(text),
  )
  assert.deepEqual(leftIn(wanted, ofPage), [])
})

/** What of the page's English is counted. */
const PLURAL =
  /\b1 (?:[a-z]+ )?(?:bytes|cells|characters|clients|columns|connections|decisions|hits|lines|messages|payloads|points|rows|subscriptions|topics)\b/

/** Every text that is made of a count, with 1 for it; those that take something else are left out. */
function saidOfOne(words: object): string[] {
  return Object.values(words).flatMap((value: unknown): string[] => {
    if (typeof value === 'object' && value !== null) return saidOfOne(value)
    if (typeof value !== 'function') return []
    try {
      const texts = ['1', 1].map((one): unknown =>
        value(...Array<unknown>(Math.max(value.length, 1)).fill(one)),
      )
      return texts.every((text) => PLURAL.test(String(text))) ? texts.map(String) : []
    } catch {
      return []
    }
  })
}

test('one of a thing is no plural', () => {
  const ofOne = [en, brokerEnglish].flatMap(saidOfOne)
  assert.deepEqual(ofOne, [])
  const thrown = ['publish', 'decode', 'capture'].flatMap((folder) =>
    textsOf(join('web/src', folder), /new (?:\w+Error)\((?:at, )?/),
  )
  const counted = thrown.filter((text) => PLURAL.test(text.replaceAll('7', '1')))
  assert.deepEqual(counted, [])
})
