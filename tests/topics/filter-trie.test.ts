import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FilterTrie } from '../../src/topics/filter-trie.ts'
import { matches } from '../../src/topics/names.ts'
import { anyFilter, anyName } from './oracle.ts'

interface Subscriber {
  readonly id: number
}

const subscribers: readonly Subscriber[] = Array.from({ length: 100 }, (_, id) => ({ id }))
const [ann, bob, cid] = subscribers as [Subscriber, Subscriber, Subscriber]

function ids(found: readonly Subscriber[]): number[] {
  return found.map((each) => each.id).toSorted((a, b) => a - b)
}

test('a topic finds the exact, the + and the # filters that match it', () => {
  const trie = new FilterTrie<Subscriber>()
  trie.add('site/1/temp', ann)
  trie.add('site/+/temp', bob)
  trie.add('site/#', cid)
  assert.deepEqual(ids(trie.match('site/1/temp')), [0, 1, 2])
  assert.deepEqual(ids(trie.match('site/2/temp')), [1, 2])
  assert.deepEqual(ids(trie.match('site')), [2])
  assert.deepEqual(ids(trie.match('sites')), [])
})

test('a wildcard in the first level does not see topics that start with $', () => {
  const trie = new FilterTrie<Subscriber>()
  for (const filter of ['#', '+/broker', '+/#', '+']) trie.add(filter, ann)
  trie.add('$SYS/#', bob)
  trie.add('$SYS/+', cid)
  assert.deepEqual(ids(trie.match('$SYS/broker')), [1, 2])
  assert.deepEqual(ids(trie.match('$SYS')), [1])
  assert.deepEqual(ids(trie.match('SYS/broker')), [0, 0, 0])
})

test('subscribers of one filter come in the order of adding', () => {
  const trie = new FilterTrie<Subscriber>()
  for (const filter of ['x', 'x/+']) {
    for (const each of subscribers) trie.add(filter, each)
    trie.remove(filter, bob)
  }
  const expected = subscribers.filter((each) => each !== bob)
  assert.deepEqual(trie.match('x'), expected)
  assert.deepEqual(trie.match('x/y'), expected)
})

test('a pair that was added twice is found twice and leaves one at a time', () => {
  for (const filter of ['a', '+', '#']) {
    const trie = new FilterTrie<Subscriber>()
    for (const each of subscribers.slice(0, 40)) trie.add(filter, each)
    trie.add(filter, ann)
    const both = trie.match('a').filter((each) => each === ann)
    assert.equal(both.length, 2)
    assert.equal(trie.remove(filter, ann), true)
    assert.ok(trie.match('a').includes(ann))
    assert.equal(trie.remove(filter, ann), true)
    assert.ok(!trie.match('a').includes(ann))
    assert.equal(trie.remove(filter, ann), false)
  }
})

test('removing what is not there answers false and changes nothing', () => {
  const trie = new FilterTrie<Subscriber>()
  trie.add('a/+', ann)
  trie.add('a', ann)
  const generation = trie.generation
  for (const filter of ['a/+', 'a']) assert.equal(trie.remove(filter, bob), false)
  for (const filter of ['a/#', 'a/+/b', '+', 'b', '#'])
    assert.equal(trie.remove(filter, ann), false)
  assert.equal(trie.generation, generation)
  assert.equal(trie.size, 2)
})

test('a result is not computed again until a change that can touch it', () => {
  const trie = new FilterTrie<Subscriber>()
  trie.add('a/b', ann)
  trie.add('c/d', ann)
  const before = trie.match('a/b')
  trie.add('c/d', bob)
  trie.remove('c/d', ann)
  assert.equal(trie.match('a/b'), before)
  trie.add('a/b', bob)
  assert.notEqual(trie.match('a/b'), before)
  assert.deepEqual(before, [ann], 'an array that was handed out stays as it was')
})

test('the generation goes up with every change', () => {
  const trie = new FilterTrie<Subscriber>()
  const seen = [trie.generation]
  for (const filter of ['a', 'a/+', '#']) {
    trie.add(filter, ann)
    seen.push(trie.generation)
    trie.remove(filter, ann)
    seen.push(trie.generation)
  }
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(seen).size, 7)
})

test('names that objects inherit are plain levels', () => {
  const trie = new FilterTrie<Subscriber>()
  const traps = ['__proto__', 'constructor', 'hasOwnProperty', 'toString']
  for (const trap of traps) assert.deepEqual(trie.match(`${trap}/x`), [])
  for (const trap of traps) trie.add(`${trap}/+`, ann)
  for (const trap of traps) assert.deepEqual(trie.match(`${trap}/x`), [ann])
  assert.deepEqual(trie.match('valueOf/x'), [])
})

test('16,384 filters of one topic are matched within 200 ms of CPU', () => {
  const trie = new FilterTrie<Subscriber>()
  for (let bits = 0; bits < 1 << 14; bits++) {
    const levels = Array.from({ length: 14 }, (_, bit) => ((bits >> bit) & 1 ? '+' : 'a'))
    trie.add(levels.join('/'), ann)
  }
  const start = process.cpuUsage()
  const found = trie.match('a/a/a/a/a/a/a/a/a/a/a/a/a/a')
  const tookMs = process.cpuUsage(start).user / 1000
  assert.equal(found.length, 16_384)
  assert.ok(tookMs < 200, `${tookMs} ms`)
})

test('filters of the deepest kind are added, matched and removed', () => {
  const trie = new FilterTrie<Subscriber>()
  const filter = '+/'.repeat(32_767) + '#'
  trie.add(filter, ann)
  assert.deepEqual(trie.match('/'.repeat(40_000)), [ann])
  assert.equal(trie.remove(filter, ann), true)
  assert.equal(trie.nodeCount, 1)
})

test('churn leaves no nodes behind', () => {
  const trie = new FilterTrie<Subscriber>()
  trie.add('keep/+/this', bob)
  trie.match('keep/x/this')
  const nodes = trie.nodeCount
  for (let turn = 0; turn < 100_000; turn++) {
    const filter = `churn/${turn % 977}/+/${turn}${turn % 2 ? '/#' : ''}`
    trie.add(filter, ann)
    trie.add(`exact/${turn}`, ann)
    assert.ok(trie.remove(filter, ann) && trie.remove(`exact/${turn}`, ann))
  }
  assert.equal(trie.nodeCount, nodes)
  assert.equal(trie.size, 1)
  assert.deepEqual(trie.match('keep/x/this'), [bob])
})

test('after any changes each match is that of a list of subscriptions', () => {
  const change = fc.record({
    add: fc.boolean(),
    filter: anyFilter,
    who: fc.integer({ min: 0, max: 2 }),
    topic: anyName,
  })
  const run = fc.tuple(fc.array(change, { maxLength: 60 }), fc.constantFrom(0, 1, 4, 65_536))
  fc.assert(
    fc.property(run, ([changes, cacheEntriesMax]) => {
      const trie = new FilterTrie<Subscriber>(cacheEntriesMax)
      const list: [string, Subscriber][] = []
      for (const { add, filter, who, topic } of changes) {
        const subscriber = subscribers[who]
        const at = list.findIndex((pair) => pair[0] === filter && pair[1] === subscriber)
        if (add) {
          list.push([filter, subscriber])
          trie.add(filter, subscriber)
        } else {
          assert.equal(trie.remove(filter, subscriber), at !== -1)
          if (at !== -1) list.splice(at, 1)
        }
        // Asked in every state, so that results linger in the cache across the next changes.
        for (const name of [topic, changes[0].topic]) {
          const expected = list.filter((pair) => matches(pair[0], name)).map((pair) => pair[1])
          assert.deepEqual(ids(trie.match(name)), ids(expected))
        }
        assert.equal(trie.size, list.length)
      }
      const byText = (pairs: Iterable<[string, Subscriber]>): string[] =>
        Array.from(pairs, ([filter, { id }]) => `${filter} ${id}`).toSorted()
      assert.deepEqual(byText(trie.entries()), byText(list))
      for (const [filter, subscriber] of list) assert.ok(trie.remove(filter, subscriber))
      assert.equal(trie.nodeCount, 1)
    }),
    { numRuns: 500 },
  )
})
