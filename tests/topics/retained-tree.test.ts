import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches } from '../../src/topics/names.ts'
import { RetainedTree } from '../../src/topics/retained-tree.ts'
import { anyFilter, anyName } from './oracle.ts'

interface Message {
  readonly topic: string
  readonly serial: number
}

let serial = 0
const messageOf = (topic: string): Message => ({ topic, serial: serial++ })

function treeOf(topics: readonly string[]): RetainedTree<Message> {
  const tree = new RetainedTree<Message>()
  for (const topic of topics) tree.set(topic, messageOf(topic))
  return tree
}

function topicsOf(tree: RetainedTree<Message>, filter: string, limit = 1000): string[] {
  const topics: string[] = []
  const cursor = tree.match(filter)
  while (
    cursor.next(limit, ({ topic }) => {
      topics.push(topic)
    })
  );
  return topics.toSorted()
}

test('a topic keeps its last message and tells the one before', () => {
  const tree = new RetainedTree<Message>()
  const first = messageOf('a/b')
  const second = messageOf('a/b')
  assert.equal(tree.set('a/b', first), undefined)
  assert.equal(tree.set('a/b', second), first)
  assert.equal(tree.get('a/b'), second)
  assert.equal(tree.get('a'), undefined)
  assert.equal(tree.get('a/b/c'), undefined)
  assert.equal(tree.count, 1)
  assert.equal(tree.delete('a/b'), second)
  assert.equal(tree.delete('a/b'), undefined)
  assert.equal(tree.delete('a'), undefined)
  assert.equal(tree.count, 0)
})

test('a filter finds its topics', () => {
  const tree = treeOf(['a', 'a/b', 'a/b/c', 'a/d/c', 'b', '/', 'a//c', '__proto__/x'])
  const rows: [string, string[]][] = [
    ['a', ['a']],
    ['a/b', ['a/b']],
    ['a/#', ['a', 'a//c', 'a/b', 'a/b/c', 'a/d/c']],
    ['a/+', ['a/b']],
    ['a/+/c', ['a//c', 'a/b/c', 'a/d/c']],
    ['+', ['a', 'b']],
    ['+/+', ['/', '__proto__/x', 'a/b']],
    ['a/+/#', ['a//c', 'a/b', 'a/b/c', 'a/d/c']],
    ['constructor/#', []],
    ['a/b/c/d', []],
  ]
  for (const [filter, topics] of rows) assert.deepEqual(topicsOf(tree, filter), topics, filter)
})

test('a wildcard in the first level does not see topics that start with $', () => {
  const tree = treeOf(['$SYS/broker', '$SYS', 'a/$b', 'a'])
  assert.deepEqual(topicsOf(tree, '#'), ['a', 'a/$b'])
  assert.deepEqual(topicsOf(tree, '+'), ['a'])
  assert.deepEqual(topicsOf(tree, '+/#'), ['a', 'a/$b'])
  assert.deepEqual(topicsOf(tree, '+/+'), ['a/$b'])
  assert.deepEqual(topicsOf(tree, '$SYS/#'), ['$SYS', '$SYS/broker'])
  assert.deepEqual(topicsOf(tree, '$SYS/+'), ['$SYS/broker'])
})

test('a portion looks at no more nodes than its limit, whether they match or not', () => {
  const tree = treeOf(Array.from({ length: 1000 }, (_, index) => `a/${index}/b`))
  const none = tree.match('+/+/nothing')
  let portions = 1
  while (none.next(10, () => assert.fail())) portions++
  assert.ok(portions >= 100, `${portions}`)
  let visits = 0
  assert.equal(
    tree.match('#').next(10, () => visits++),
    true,
  )
  assert.ok(visits > 0 && visits <= 10)
})

test('a cursor that ended stays ended', () => {
  const tree = treeOf(['a'])
  const cursor = tree.match('a')
  while (cursor.next(1, () => {}));
  tree.set('a/b', messageOf('a/b'))
  assert.equal(
    cursor.next(10, () => assert.fail()),
    false,
  )
})

test('a walk ends though the tree grows by two topics for each visited', () => {
  const tree = treeOf(['grow/0'])
  let added = 0
  const cursor = tree.match('#')
  let visits = 0
  while (
    cursor.next(1, () => {
      visits++
      for (let each = 0; each < 2; each++) tree.set(`grow/${++added}`, messageOf(`grow/${added}`))
    })
  );
  assert.equal(visits, 1)
})

test('topics of the deepest kind are kept, found and forgotten', () => {
  const deep = '/'.repeat(65_535)
  const tree = treeOf([deep])
  assert.deepEqual(topicsOf(tree, '#'), [deep])
  assert.deepEqual(topicsOf(tree, '+/'.repeat(32_767) + '#'), [deep])
  assert.ok(tree.delete(deep))
  assert.equal(tree.nodeCount, 1)
})

test('churn leaves no nodes behind', () => {
  const tree = treeOf(['keep/this'])
  const nodes = tree.nodeCount
  for (let turn = 0; turn < 100_000; turn++) {
    const topic = `store/${turn % 50}/label/${turn}`
    tree.set(topic, messageOf(topic))
    if (turn >= 100) {
      const old = turn - 100
      assert.ok(tree.delete(`store/${old % 50}/label/${old}`))
    }
  }
  assert.equal(tree.count, 101)
  for (let old = 99_900; old < 100_000; old++) tree.delete(`store/${old % 50}/label/${old}`)
  assert.equal(tree.nodeCount, nodes)
})

const change = fc.record({
  set: fc.boolean(),
  topic: anyName,
})

test('a filter whose levels before the first wildcard are not there is known to match nothing', () => {
  const tree = treeOf(['a/b/c', '$SYS/uptime'])
  for (const filter of ['a/b/c', 'a/b/c/#', 'a/+', 'a/b/+', '#', '$SYS/#'])
    assert.equal(tree.mayMatch(filter), true, filter)
  for (const filter of ['a', 'a/b', 'a/x/#', 'x/+/c', 'a/b/c/+', '/#', '$sys/#'])
    assert.equal(tree.mayMatch(filter), false, filter)
})

test('after any changes each match is that of a list of topics', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60 }),
      anyFilter,
      fc.integer({ min: 1, max: 5 }),
      (changes, filter, limit) => {
        const tree = new RetainedTree<Message>()
        const list = new Map<string, Message>()
        for (const { set, topic } of changes) {
          const message = messageOf(topic)
          const previous = list.get(topic)
          assert.equal(set ? tree.set(topic, message) : tree.delete(topic), previous)
          if (set) list.set(topic, message)
          else list.delete(topic)
          assert.equal(tree.count, list.size)
        }
        const expected = [...list.keys()].filter((topic) => matches(filter, topic)).toSorted()
        assert.deepEqual(topicsOf(tree, filter, limit), expected)
        assert.ok(tree.mayMatch(filter) || expected.length === 0)
        for (const topic of list.keys()) assert.equal(tree.get(topic), list.get(topic))
        for (const topic of list.keys()) tree.delete(topic)
        assert.equal(tree.nodeCount, 1)
      },
    ),
    { numRuns: 500 },
  )
})

test('a walk over a changing tree visits what stays once, what leaves at most once, nothing new', () => {
  const before = fc.array(anyName, { maxLength: 40 })
  const during = fc.array(change, { maxLength: 60 })
  fc.assert(
    fc.property(before, during, anyFilter, (topics, changes, filter) => {
      const tree = treeOf(topics)
      const present = new Set(topics.filter((topic) => matches(filter, topic)))
      const stayed = new Set(present)
      const visited: string[] = []
      const cursor = tree.match(filter)
      const visit = (message: Message): void => {
        const { topic } = message
        assert.equal(message, tree.get(topic), 'the message of now, not of when the walk began')
        visited.push(topic)
      }
      for (const { set, topic } of changes) {
        cursor.next(1, visit)
        if (set) tree.set(topic, messageOf(topic))
        else if (tree.delete(topic)) stayed.delete(topic)
      }
      while (cursor.next(3, visit));
      assert.equal(new Set(visited).size, visited.length, 'no topic twice')
      for (const topic of visited) assert.ok(present.has(topic), topic)
      for (const topic of stayed) assert.ok(visited.includes(topic), topic)
    }),
    { numRuns: 2000 },
  )
})
