import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterSubject, topicSubject } from '../../src/cluster/subjects.ts'
import { matches, topicFilterProblem, topicNameProblem } from '../../src/topics/names.ts'
import { seeded } from '../sim/world.ts'

/** What is hard for subjects: their own signs, emptiness, white space, what only looks like an escape. */
const LEVELS =
  'a|b|ab|A||*|>|%|%0|%25|.|a.b|*a|>>| |\t|\u007f|\u00a0|\u200b|\ufeff|\u2028|ü|日本|🙂|$x|$SYS|0'.split(
    '|',
  )

/** NATS' own rule: `*` is one token, `>` at the end one or more. */
function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.')
  const tokens = subject.split('.')
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return index < tokens.length
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false
  }
  return wanted.length === tokens.length
}

function drawer(seed: number) {
  const random = seeded(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
  const levels = () => Array.from({ length: 1 + Math.floor(random() * 4) }, () => one(LEVELS))
  return {
    topic: () => levels().join('/'),
    filter() {
      const drawn = levels().map((level) => (random() < 0.3 ? '+' : level))
      if (random() < 0.3) drawn.push('#')
      return drawn.join('/')
    },
  }
}

test('a subject matches what its filter matches, over 200,000 drawn pairs', () => {
  const seed = Number(process.env['MOZZIE_SUBJECTS_SEED'] ?? Math.floor(Math.random() * 1e9))
  const draw = drawer(seed)
  let hits = 0
  for (let pair = 0; pair < 200_000; pair++) {
    const topic = draw.topic()
    const filter = draw.filter()
    if (topicNameProblem(topic) !== null || topicFilterProblem(filter) !== null) continue
    const subject = topicSubject('mq', topic)
    const pattern = filterSubject('mq', filter)
    assert.ok(subject !== null && pattern !== null)
    const wanted = matches(filter, topic)
    if (wanted) hits++
    const text = `seed ${seed}: ${JSON.stringify({ topic, filter, subject, pattern })}`
    assert.equal(subjectMatches(pattern, subject), wanted, text)
  }
  assert.ok(hits > 1000, `${hits} pairs match`)
})

test('no two topics have one subject, and no subject has a character that NATS takes apart', () => {
  const draw = drawer(5)
  const topics = new Map<string, string>()
  for (let count = 0; count < 50_000; count++) {
    const topic = draw.topic()
    const subject = topicSubject('mq', topic)
    assert.ok(subject !== null)
    assert.equal(topics.get(subject) ?? topic, topic, subject)
    topics.set(subject, topic)
    assert.doesNotMatch(subject, /[\s\p{C}*>]|\.\.|^\.|\.$/u)
  }
})

test('a filter matches the parent of "#", and wildcards no topic that begins with "$"', () => {
  const isHit = (filter: string, topic: string) =>
    subjectMatches(filterSubject('p', filter) as string, topicSubject('p', topic) as string)
  assert.ok(isHit('a/#', 'a'))
  assert.ok(isHit('#', 'a/b'))
  assert.ok(isHit('/+', '/'))
  assert.ok(isHit('$SYS/#', '$SYS'))
  assert.ok(!isHit('#', '$SYS/a'))
  assert.ok(!isHit('+/a', '$SYS/a'))
  assert.ok(!isHit('+', '/a'))
})

test('what would be too long a subject has none', () => {
  assert.equal(topicSubject('mq', 'ä'.repeat(2000)), null)
  assert.equal(filterSubject('mq', `${' '.repeat(1200)}/#`), null)
  assert.notEqual(topicSubject('mq', 'a'.repeat(3000)), null)
})
