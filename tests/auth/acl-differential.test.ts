/**
 * ACL files against mosquitto's own reading of them. Both brokers run, get the same random file by SIGHUP, and
 * the same clients publish and receive. MOZZIE_ACL_FILES=n for more files, MOZZIE_ACL_SEED=n to replay.
 *
 * What is different on purpose, and therefore not generated (tests/auth/acl.test.ts has each of them):
 * - a user name or client id with a slash fits no %u or %c;
 * - %u and %c count only as a whole level (mosquitto 2.1 does the same, 2.0 does not);
 * - a name that begins with $ does not fit a %u or %c in the first level;
 * - a file without a single rule is wrong.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratch } from '../server/run-mozzie.ts'
import { seeded } from '../sim/world.ts'
import { startAclTarget, type Subject } from './acl-driver.ts'

const mosquitto = '/usr/sbin/mosquitto'
const files = Number(process.env.MOZZIE_ACL_FILES ?? 400)
const seed = Number(process.env.MOZZIE_ACL_SEED ?? Date.now() % 1_000_000_000)

const subjects: Subject[] = [
  { clientId: 'a', username: null },
  { clientId: 'b', username: 'a' },
  { clientId: 'c', username: 'user two' },
  { clientId: 'd', username: 'nobody' },
  { clientId: 'e', username: 'wild+' },
  { clientId: 'f#', username: 'b' },
]

type Random = () => number

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]
}

function makeFilter(random: Random, words: readonly string[]): string {
  const levels: string[] = []
  const count = 1 + Math.floor(random() * 3)
  for (let level = 0; level < count; level++) levels.push(pick(random, words))
  if (random() < 0.25) levels[levels.length - 1] = '#'
  if (random() < 0.15) levels[0] = '$foo'
  // The empty filter is none, and a lone word could be taken for an access.
  return levels.join('/') || 'a'
}

const topicWords = ['a', 'b', 'a', '', 'two words']
const filterWords = [...topicWords, '+', '+', '+']
const patternWords = [...filterWords, '%u', '%c', '%u']
const accesses = ['read ', 'write ', 'readwrite ', 'readwrite ', 'deny ']

function makeAcl(random: Random): string {
  const lines: string[] = []
  const count = 1 + Math.floor(random() * 12)
  for (let line = 0; line < count; line++) {
    const kind = random()
    if (kind < 0.25) lines.push(`user ${pick(random, ['a', 'user two', 'b', 'wild+'])}`)
    const word = kind > 0.85 ? 'pattern' : 'topic'
    const filter = makeFilter(random, word === 'pattern' ? patternWords : filterWords)
    const bare = random() < 0.15 && !filter.includes(' ')
    lines.push(`${word} ${bare ? '' : pick(random, accesses)}${filter}`)
    if (random() < 0.05) lines.push('# a comment', '')
  }
  return `${lines.join('\n')}\n`
}

/** Half of them such that some rule of the file fits. */
function makeTopics(random: Random, acl: string): string[] {
  const filters = acl.split('\n').flatMap((line) => {
    const match = /^(?:topic|pattern) (?:(?:read|write|readwrite|deny) )?(.*)$/.exec(line)
    return match === null ? [] : [match[1]]
  })
  const topics = new Set<string>()
  while (topics.size < 30) {
    const topic = random() < 0.5 ? makeTopic(random) : fitting(random, pick(random, filters))
    if (topic !== '') topics.add(topic)
  }
  return [...topics]
}

function makeTopic(random: Random): string {
  const words = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(random, topicWords))
  if (random() < 0.15) words[0] = '$foo'
  return words.join('/')
}

function fitting(random: Random, filter: string): string {
  const { clientId, username } = pick(random, subjects)
  const levels = filter.split('/').map((level) => {
    if (level === '+' || level === '#') return pick(random, topicWords)
    if (level === '%c') return clientId
    return level === '%u' ? (username ?? '') : level
  })
  if (filter.endsWith('#') && random() < 0.4) levels.pop()
  // Names with wildcards are for no topic.
  return levels.join('/').replaceAll(/[+#]/g, '')
}

const skip = existsSync(mosquitto) ? false : `${mosquitto} is not installed`

test(
  `${files} random ACL files decide as they do in mosquitto (seed ${seed})`,
  { skip },
  async (context) => {
    const directory = scratch(context)
    const theirs = await startAclTarget(
      context,
      directory,
      [mosquitto],
      'Reloading config',
      subjects,
    )
    const mozzie = [process.execPath, join(process.cwd(), 'bin', 'mozzie')] as const
    const ours = await startAclTarget(context, directory, mozzie, 'Reloaded config', subjects)
    const seen = new Map<string, number>()
    for (let index = 0; index < files; index++) {
      const random = seeded(seed + index)
      const acl = makeAcl(random)
      const topics = makeTopics(random, acl)
      const [expected, actual] = [await theirs.decide(acl, topics), await ours.decide(acl, topics)]
      for (const [who, subject] of subjects.entries())
        for (const [at, topic] of topics.entries()) {
          const decision = actual[who][at]
          seen.set(decision, (seen.get(decision) ?? 0) + 1)
          assert.equal(
            decision,
            expected[who][at],
            `${JSON.stringify(subject)} and '${topic}', seed ${seed + index}:\n${acl}`,
          )
        }
    }
    // A generator that only ever asks for the obvious would prove nothing.
    for (const decision of ['rw', 'r-', '-w', '--']) assert.ok((seen.get(decision) ?? 0) > files)
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0)
    context.diagnostic(`${total} decisions: ${JSON.stringify(Object.fromEntries(seen))}`)
  },
)
