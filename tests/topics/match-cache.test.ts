import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MatchCache } from '../../src/topics/match-cache.ts'

test('a kept result is found until its topic is deleted', () => {
  const cache = new MatchCache<object>(10)
  const result = [{}]
  cache.put('a', result)
  assert.equal(cache.get('a'), result)
  cache.delete('a')
  assert.equal(cache.get('a'), undefined)
})

test('the number of results stays within the bound', () => {
  const cache = new MatchCache<object>(100)
  for (let topic = 0; topic < 1000; topic++) {
    cache.put(`t/${topic}`, [])
    assert.ok(cache.size <= 100)
    assert.ok(cache.get(`t/${topic}`))
  }
})

test('long topics and long results count for more', () => {
  const cache = new MatchCache<object>(100)
  const everyone = Array.from({ length: 1000 }, () => ({}))
  for (let topic = 0; topic < 100; topic++) {
    cache.put(`r/${topic}`, everyone)
    assert.ok(cache.size <= 7, '512 bytes an entry allow 51,200 bytes: seven results of 8 kB')
  }
  for (let topic = 0; topic < 100; topic++) {
    cache.put('x'.repeat(20_000) + topic, [])
    assert.ok(cache.size <= 7)
  }
})

test('what was deleted weighs nothing', () => {
  const cache = new MatchCache<object>(10)
  cache.put('keep', [])
  for (let topic = 0; topic < 1000; topic++) {
    cache.put(`t/${topic}`, [])
    cache.delete(`t/${topic}`)
  }
  assert.equal(cache.size, 1)
})

test('a cache of no entries keeps nothing', () => {
  const cache = new MatchCache<object>(0)
  cache.put('a', [])
  assert.equal(cache.size, 0)
})
