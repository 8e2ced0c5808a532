import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  childAt,
  eachChild,
  ownedLevel,
  withChild,
  withoutChild,
} from '../../src/topics/children.ts'
import type { Children } from '../../src/topics/children.ts'

interface Node {
  readonly level: string
}

const a: Node = { level: 'a' }
const b: Node = { level: 'b' }
const proto: Node = { level: '__proto__' }

test('one child is stored as itself, more in a Map, and one again as itself', () => {
  let children: Children<Node> = withChild<Node>(undefined, a)
  assert.equal(children, a)
  children = withChild(children, b)
  assert.ok(children instanceof Map)
  children = withoutChild(children, a)
  assert.equal(children, b)
  assert.equal(withoutChild(children, b), undefined)
})

test('children are found by level, inherited names included', () => {
  for (const some of [[proto], [proto, a]]) {
    let children: Children<Node> = undefined
    assert.equal(childAt(children, '__proto__'), undefined)
    for (const each of some) children = withChild(children, each)
    assert.equal(childAt(children, '__proto__'), proto)
    assert.equal(childAt(children, 'constructor'), undefined)
  }
})

test('an iterator that stands in a Map sees the child the Map was left for', () => {
  const children = withChild(withChild<Node>(withChild<Node>(undefined, a), b), proto)
  const iterator = eachChild(children)
  assert.equal(iterator.next().value, a)
  const left = withoutChild(withoutChild(children, a), b)
  assert.equal(left, proto)
  assert.equal(iterator.next().value, proto)
  assert.equal(iterator.next().done, true)
})

test('a level is copied as it is, whatever its length', () => {
  for (const level of [
    '',
    'x',
    'twelve chars',
    'thirteen char',
    'é'.repeat(500),
    '\u{1f99f}'.repeat(9),
  ]) {
    assert.equal(ownedLevel(`${level}/rest`.slice(0, level.length)), level)
  }
})
