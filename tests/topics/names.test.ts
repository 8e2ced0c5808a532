import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hasWildcard,
  isShared,
  levelCount,
  matches,
  parseShared,
  sharedFilterProblem,
  topicFilterProblem,
  topicNameProblem,
} from '../../src/topics/names.ts'
import { anyFilter, anyName, matchesByLevels } from './oracle.ts'

test('a topic name is refused when empty, with wildcards or too deep', () => {
  const rows: [string, boolean][] = [
    ['a', true],
    ['/', true],
    ['a//b', true],
    [' ', true],
    ['$SYS/broker', true],
    ['__proto__', true],
    ['', false],
    ['+', false],
    ['a/+', false],
    ['a#', false],
    ['a/#', false],
    ['/'.repeat(200), true],
    ['/'.repeat(201), false],
  ]
  for (const [name, valid] of rows) assert.equal(topicNameProblem(name) === null, valid, name)
})

test('a topic filter is refused when empty, too deep, or a wildcard shares its level', () => {
  const rows: [string, boolean][] = [
    ['#', true],
    ['+', true],
    ['/', true],
    ['+/+', true],
    ['/+', true],
    ['+/', true],
    ['a/+/b/#', true],
    ['+/#', true],
    ['$SYS/#', true],
    ['$shared/a', true],
    ['', false],
    ['a#', false],
    ['a/#/b', false],
    ['#/', false],
    ['##', false],
    ['#+', false],
    ['+#', false],
    ['+a', false],
    ['a+', false],
    ['a/+b', false],
    ['a/b+/c', false],
    ['++', false],
    ['/'.repeat(200), true],
    ['/'.repeat(201), false],
    ['+/'.repeat(32_767), false],
  ]
  for (const [filter, valid] of rows) {
    assert.equal(topicFilterProblem(filter) === null, valid, filter)
  }
})

test('the level limit is the one that was passed', () => {
  assert.equal(topicNameProblem('a/b/c', 3), null)
  assert.match(topicNameProblem('a/b/c', 2)!, /more than 2 levels/)
  assert.equal(topicFilterProblem('a/+/#', 3), null)
  assert.match(topicFilterProblem('a/+/#', 2)!, /more than 2 levels/)
})

test('malformed shared filters are refused and have no parts', () => {
  const malformed = [
    '$share',
    '$share/',
    '$share/g',
    '$share//x',
    '$share/g/',
    '$share/a+/x',
    '$share/#/x',
    '$share/+/x',
    '$share/g/a#',
    '$share/g/$share/h/x',
  ]
  for (const filter of malformed) {
    assert.notEqual(sharedFilterProblem(filter), null, filter)
    assert.notEqual(topicFilterProblem(filter), null, filter)
    assert.equal(parseShared(filter), null, filter)
  }
})

test('a shared filter is parsed into group and filter', () => {
  const rows: [string, string, string][] = [
    ['$share/g/x', 'g', 'x'],
    ['$share/g//', 'g', '/'],
    ['$share/g/#', 'g', '#'],
    ['$share/$share/+/a', '$share', '+/a'],
    ['$share/__proto__/constructor', '__proto__', 'constructor'],
  ]
  for (const [text, group, filter] of rows) {
    assert.equal(topicFilterProblem(text), null, text)
    assert.deepEqual(parseShared(text), { group, filter })
  }
})

test('a filter that only resembles a shared one is ordinary', () => {
  for (const filter of ['$shared/g/x', '$shar', 'share/g/x', 'x/$share/g/x', '$SHARE/g/x']) {
    assert.equal(isShared(filter), false, filter)
    assert.equal(parseShared(filter), null, filter)
    assert.equal(topicFilterProblem(filter), null, filter)
  }
})

test('matching follows the examples of the standard', () => {
  const rows: [string, string, boolean][] = [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/tennis/player1/#', 'sport/tennis/player12', false],
    ['sport/#', 'sport', true],
    ['sport/#', 'sports', false],
    ['#', 'a', true],
    ['#', '/', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['+/#', 'a', true],
    ['a', 'A', false],
    ['a/b', 'a', false],
    ['a', 'a/b', false],
    ['a//b', 'a/b', false],
    ['a/+/b', 'a//b', true],
    ['#', '$SYS/broker', false],
    ['+/broker', '$SYS/broker', false],
    ['+', '$SYS', false],
    ['$SYS/#', '$SYS', true],
    ['$SYS/+', '$SYS/broker', true],
    ['a/+', 'a/$b', true],
    ['a/#', 'a/$b/c', true],
  ]
  for (const [filter, name, expected] of rows) {
    assert.equal(matches(filter, name), expected, `${filter} ${name}`)
  }
})

test('matching agrees with the definition by lists of levels', () => {
  fc.assert(
    fc.property(anyFilter, anyName, (filter, name) => {
      assert.equal(matches(filter, name), matchesByLevels(filter, name))
    }),
    { numRuns: 2000 },
  )
})

test('a filter without wildcards matches itself alone', () => {
  fc.assert(
    fc.property(anyFilter, anyName, (filter, name) => {
      fc.pre(!hasWildcard(filter))
      assert.equal(matches(filter, name), filter === name)
      assert.ok(matches(filter, filter))
    }),
  )
})

test('the deepest topics a packet can carry are counted and matched without recursion', () => {
  const deep = '/'.repeat(65_535)
  assert.equal(levelCount(deep), 65_536)
  assert.ok(matches('+/'.repeat(32_767) + '+', '/'.repeat(32_767)))
  assert.ok(matches(deep, deep))
  assert.notEqual(topicNameProblem(deep), null)
})
