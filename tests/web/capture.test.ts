import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode as msgpack } from '@msgpack/msgpack'
import fc from 'fast-check'
import { commonPaths, conditionQuery } from '../../web/src/capture/pivot.ts'
import { compileQuery, QueryError } from '../../web/src/capture/query.ts'
import { Ring } from '../../web/src/capture/ring.ts'
import { decoderOf } from '../../web/src/decode/structured.ts'
import { TreeView } from '../../web/src/capture/tree-view.ts'
import { DEFAULT_VIEW } from '../../web/src/protocol/view.ts'
import { emptySubscription } from '../../web/src/model/profile.ts'
import { waitMsMax } from '../support/patience.ts'
import { arrival, captured } from './arrivals.ts'

test('the ring gives back every message it keeps, byte for byte, whatever the sizes', () => {
  const sizes = fc.array(fc.nat(300), { minLength: 1, maxLength: 400 })
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 64, max: 900 }),
      (lengths, countMax, bytesMax) => {
        const ring = new Ring(countMax, bytesMax)
        const oracle = new Map<number, Uint8Array>()
        let refused = 0
        for (const [at, length] of lengths.entries()) {
          const payload = new Uint8Array(length).fill((at % 255) + 1)
          const seq = ring.push({ ...arrival('t', payload), topicId: at })
          if (seq === -1) refused++
          else oracle.set(seq, payload)
          assert.ok(ring.next - ring.first <= countMax)
          let bytes = 0
          for (let kept = ring.first; kept < ring.next; kept++) {
            assert.deepEqual(ring.payload(kept), oracle.get(kept))
            bytes += ring.size(kept)
          }
          assert.ok(bytes <= bytesMax)
        }
        assert.equal(ring.next + refused, lengths.length)
        assert.equal(ring.madeRoom, ring.first)
      },
    ),
    { numRuns: 200 },
  )
})

test('every message received is kept, made room, sampled out or too large, and counted as one of them', () => {
  const { capture } = captured({ messagesMax: 50, bytesMax: 2000, topicsMax: 60 })
  for (let at = 0; at < 1000; at++) {
    if (at === 500) capture.keepEvery = 4
    capture.add(arrival(`t/${at % 90}`, 'x'.repeat(at % 100 === 0 ? 3000 : at % 60)))
  }
  const { ring } = capture
  assert.equal(capture.received, 1000)
  assert.equal(ring.next - ring.first + ring.madeRoom + capture.sampledOut + capture.tooLarge, 1000)
  assert.ok(capture.sampledOut > 300 && capture.tooLarge >= 5)
  assert.ok(capture.topics.count <= 60)
})

test('a quiet topic keeps its last value when its message has made room', () => {
  const { capture } = captured({ messagesMax: 10, bytesMax: 10_000, topicsMax: 20 })
  capture.add(arrival('quiet', 'still here'))
  for (let at = 0; at < 100; at++) capture.add(arrival('busy', String(at)))
  const quiet = capture.topics.find('quiet')
  assert.ok(quiet)
  assert.equal(new TextDecoder().decode(capture.lastPayload(quiet) ?? undefined), 'still here')
})

test('a quiet topic keeps its last value, however many topics made room before it came', () => {
  const { capture } = captured({ messagesMax: 2, bytesMax: 200_000, topicsMax: 10 })
  const payload = new Uint8Array(64 << 10)
  for (let at = 0; at < 600; at++) capture.add(arrival(`large/${at}`, payload, { timeMs: at }))
  capture.add(arrival('quiet', 'still here', { timeMs: 1000 }))
  for (let at = 0; at < 5; at++) capture.add(arrival('busy', 'x', { timeMs: 2000 }))
  const quiet = capture.topics.find('quiet')
  assert.ok(quiet)
  assert.equal(new TextDecoder().decode(capture.lastPayload(quiet) ?? undefined), 'still here')
})

test('a message that is refused after the counters began anew is not taken off them', () => {
  const { capture } = captured()
  const before = capture.add(arrival('a', 'x', { outgoing: true }))
  capture.clear()
  capture.refused(before)
  assert.equal(capture.sent, 0)
  const [taken, refused] = ['y', 'z'].map((text) =>
    capture.add(arrival('a', text, { outgoing: true })),
  )
  capture.refused(refused ?? -1)
  assert.equal(capture.sent, 1)
  assert.ok(taken !== undefined && !capture.ring.isRefused(taken))
})

test('topics without a kept message make room for new ones, and the tree counts them out', () => {
  const { capture } = captured({ messagesMax: 10, bytesMax: 10_000, topicsMax: 20 })
  for (let at = 0; at < 500; at++) capture.add(arrival(`a/${at}/b`, 'x', { timeMs: at }))
  assert.ok(capture.topics.count <= 20)
  assert.equal(capture.topics.root.topics, capture.topics.count)
  assert.equal(capture.topics.forgotten, 500 - capture.topics.count)
  assert.equal(capture.topics.root.messages, 500)
})

test('the tree shows what is expanded, in the order asked for', () => {
  const { capture } = captured()
  for (const topic of ['b/10', 'b/2', 'b/2', 'a/x', '/lead']) capture.add(arrival(topic, 'v'))
  const tree = new TreeView(capture.topics)
  const levels = () => tree.lines().map(({ level }) => level)
  assert.deepEqual(levels(), ['', 'a', 'b'])
  tree.setExpanded('b', true)
  assert.deepEqual(levels(), ['', 'a', 'b', '2', '10'])
  tree.show('messages', '')
  assert.deepEqual(levels().slice(0, 2), ['b', '2'])
  tree.show('name', '10')
  assert.deepEqual(levels(), ['b', '10'])
})

test('names are in natural order, hex ids as they are written, however many levels', () => {
  const { capture, view } = captured({ messagesMax: 100, bytesMax: 100_000, topicsMax: 200 })
  const deep = `${'/'.repeat(30_000)}end`
  for (const topic of ['t/10', 't/2', 'h/12ab', 'h/1a2b', 'h/9c00', 'h/10', deep])
    capture.add(arrival(topic, 'v'))
  const tree = new TreeView(capture.topics)
  tree.setAllExpanded(true)
  const levels = tree.lines().map(({ level }) => level)
  assert.deepEqual(levels.slice(-8), ['h', '10', '12ab', '1a2b', '9c00', 't', '2', '10'])
  view.show({ ...DEFAULT_VIEW, mode: 'latest' })
  const names = view.snapshot().latest.map(({ topic }) => topic)
  assert.deepEqual(names.slice(1), ['h/10', 'h/12ab', 'h/1a2b', 'h/9c00', 't/2', 't/10'])
})

test('topics that came in a burst wait for a picture, and are not forgotten', async () => {
  const { capture } = captured()
  const tree = new TreeView(capture.topics)
  capture.add(arrival('a', 'v'))
  assert.equal(tree.lines().length, 1)
  capture.add(arrival('b', 'v'))
  assert.equal(tree.lines().length, 1)
  assert.equal(tree.isBehind, true)
  const deadline = performance.now() + waitMsMax
  while (tree.lines().length < 2 && performance.now() < deadline) await new Promise(setImmediate)
  assert.equal(tree.lines().length, 2)
  assert.equal(tree.isBehind, false)
})

const QUERIES: [query: string, matches: string[]][] = [
  ['kitchen', ['home/Kitchen/temp', 'note']],
  ['-kitchen', ['home/hall/temp', 'bin']],
  ['topic:home/+/temp', ['home/Kitchen/temp', 'home/hall/temp']],
  ['payload:23', ['home/hall/temp']],
  ['$.value>22', ['home/hall/temp']],
  ['$.value<=21.5', ['home/Kitchen/temp']],
  ['$.value', ['home/Kitchen/temp', 'home/hall/temp']],
  ['$.unit=C', ['home/Kitchen/temp', 'home/hall/temp']],
  ['/^home\\/k/i', ['home/Kitchen/temp']],
  ['retain:1', ['note']],
  ['qos:1', ['home/hall/temp']],
  ['dir:out', ['bin']],
  ['size>20', ['home/Kitchen/temp', 'home/hall/temp']],
  ['"in the kitchen"', ['note']],
  ['temp -hall', ['home/Kitchen/temp']],
]

for (const [query, expected] of QUERIES) {
  test(`search: ${query}`, () => {
    const { capture, view } = captured()
    capture.add(arrival('home/Kitchen/temp', '{"value": 21.5, "unit": "C"}'))
    capture.add(arrival('home/hall/temp', '{"value": 23, "unit": "C"}', { qos: 1 }))
    capture.add(arrival('note', 'in the kitchen', { retain: true }))
    capture.add(arrival('bin', new Uint8Array([255, 0]), { outgoing: true }))
    view.show({ ...DEFAULT_VIEW, query })
    assert.deepEqual(
      view.snapshot().rows.map(({ topic }) => topic),
      expected,
    )
  })
}

test('a query that cannot be understood names the word and hides nothing', () => {
  assert.throws(() => compileQuery('/(/'), QueryError)
  const { capture, view } = captured()
  capture.add(arrival('a', '1'))
  view.show({ ...DEFAULT_VIEW, query: '/(/' })
  assert.equal(view.snapshot().queryProblem, '/(/')
  assert.equal(view.snapshot().rows.length, 1)
})

test('rows keep their place while older ones leave', () => {
  const { capture, view } = captured({ messagesMax: 20, bytesMax: 10_000, topicsMax: 40 })
  for (let at = 0; at < 20; at++) capture.add(arrival('t', String(at)))
  const { first } = view.snapshot()
  view.show({ ...DEFAULT_VIEW, follow: false, from: first + 15, count: 3 })
  assert.deepEqual(
    view.snapshot().rows.map(({ preview }) => preview),
    ['15', '16', '17'],
  )
  for (let at = 20; at < 30; at++) capture.add(arrival('t', String(at)))
  const after = view.snapshot()
  assert.deepEqual(
    after.rows.map(({ preview }) => preview),
    ['15', '16', '17'],
  )
  assert.equal(after.first, first + 10)
})

test('a pause holds the list and counts what is held back', () => {
  const { capture, view } = captured()
  capture.add(arrival('t', '1'))
  view.show({ ...DEFAULT_VIEW, paused: true })
  for (let at = 0; at < 7; at++) capture.add(arrival('t', 'later'))
  assert.equal(view.snapshot().rows.length, 1)
  assert.equal(view.snapshot().newer, 7)
  view.show({ ...DEFAULT_VIEW, paused: false })
  assert.equal(view.snapshot().rows.length, 8)
})

test('a message counts for the subscriptions that the broker names, else for those that match', () => {
  const { capture } = captured()
  const [shared, plain] = [emptySubscription('$share/g/a/#', 0), emptySubscription('a/b', 1)]
  capture.setSubscriptions([shared, plain])
  capture.add(arrival('a/b', '1', { by: [plain.id] }))
  capture.add(arrival('a/b', '2', { by: [shared.id, plain.id] }))
  capture.add(arrival('a/b', '3'))
  assert.deepEqual([capture.messagesOf(shared.id), capture.messagesOf(plain.id)], [2, 3])
})

test('a hidden subscription hides its messages, unless another one shows them', () => {
  const { capture, view } = captured()
  const noisy = { ...emptySubscription('noisy/#', 1), hidden: true }
  capture.setSubscriptions([noisy, emptySubscription('noisy/alarm', 2)])
  for (const topic of ['noisy/a', 'noisy/alarm', 'other']) capture.add(arrival(topic, 'x'))
  view.refilter()
  assert.deepEqual(
    view.snapshot().rows.map(({ topic, colours }) => [topic, colours]),
    [
      ['noisy/alarm', [2]],
      ['other', []],
    ],
  )
  assert.equal(capture.messagesOf(noisy.id), 2)
})

test('a chart has the numbers of messages from before it was asked for, and keeps the peaks', () => {
  const { capture } = captured({ messagesMax: 5000, bytesMax: 1_000_000, topicsMax: 6000 })
  for (let at = 0; at < 4000; at++) {
    capture.add(arrival('s', JSON.stringify({ v: at === 1234 ? 9999 : at % 10 }), { timeMs: at }))
  }
  capture.setSeries([{ id: 'x', filter: 's', path: '$.v', axis: 'left' }])
  const series = capture.charted[0]?.series.get('s')
  assert.equal(series?.points, 4000)
  const { times, values } = series?.sample(200) ?? { times: [], values: [] }
  assert.ok(values.length <= 210 && values.includes(9999))
  assert.deepEqual(
    [...times],
    [...times].sort((a, b) => a - b),
  )
})

test('a chart keeps the topics of a wildcard apart, with the unit beside the number', () => {
  const { capture } = captured()
  capture.setSeries([{ id: 'x', filter: 's/+', path: '$.v', axis: 'left' }])
  capture.add(arrival('s/a', '{"v": 1, "unit": "°C"}'))
  for (const v of [2, 3]) capture.add(arrival('s/b', JSON.stringify({ v })))
  const [plot] = capture.charted
  assert.deepEqual(
    [...(plot?.series ?? [])].map(([topic, { points, unit }]) => [topic, points, unit]),
    [
      ['s/a', 1, '°C'],
      ['s/b', 2, ''],
    ],
  )
})

test('the table of values sorts by whatever a payload has there, numbers of 64 bits within it too', async () => {
  await decoderOf('msgpack')
  const { capture, view } = captured()
  for (const [tag, id] of [
    ['b', 2n ** 60n],
    ['a', 2n ** 61n],
  ] as const)
    capture.add(arrival(`tag/${tag}`, msgpack({ inner: { id } }, { useBigInt64: true })))
  const pivot = { columns: ['$.inner'], sort: '$.inner', descending: false, where: '' }
  view.show({ ...DEFAULT_VIEW, mode: 'latest', pivot, count: 10 })
  assert.equal(view.snapshot().latest.length, 2)
})

test('the table of values sorts, narrows and keeps digits', () => {
  const { capture, view } = captured()
  for (const [tag, battery] of [
    ['a', '2.95'],
    ['b', '2.10'],
    ['c', '18446744073709551615'],
  ] as const)
    capture.add(arrival(`tag/${tag}`, `{"battery": ${battery}, "at": {"shelf": "${tag}1"}}`))
  capture.add(arrival('tag/d', 'no JSON'))
  assert.deepEqual(commonPaths(capture), ['$.battery', '$.at.shelf'])
  const pivot = {
    columns: ['$.battery', '$.at.shelf'],
    sort: '$.battery',
    descending: false,
    where: '',
  }
  const cells = (patch: Partial<typeof pivot>) => {
    view.show({ ...DEFAULT_VIEW, mode: 'latest', pivot: { ...pivot, ...patch } })
    return view.snapshot().latest.map((row) => row.cells.join())
  }
  assert.deepEqual(cells({}), ['2.10,b1', '2.95,a1', '18446744073709551615,c1', ','])
  assert.deepEqual(cells({ descending: true, where: 'battery < 3' }), ['2.95,a1', '2.10,b1'])
  assert.deepEqual(cells({ where: 'battery < 3 and at.shelf = b1' }), ['2.10,b1'])
  view.show({ ...DEFAULT_VIEW, mode: 'latest', pivot: { ...pivot, where: 'battery <' } })
  assert.equal(view.snapshot().whereProblem, '$.battery<')
  assert.equal(view.snapshot().queryProblem, null)
  capture.add(arrival('tag/e', '{"battery": "10"}'))
  assert.deepEqual(cells({ where: 'battery < x' }), [])
  assert.deepEqual(cells({ where: 'battery >= 9', columns: ['$.battery'] }), [
    '10',
    '18446744073709551615',
  ])
  assert.equal(conditionQuery('$.a>1 topic:x/# "b < c"'.slice(0, 16)), '$.a>1 topic:x/#')
})

test('a condition of the table of values means what it says, or what is wrong with it is said', () => {
  const { capture, view } = captured()
  for (const [topic, id, name] of [
    ['t/a', '1724442618569203714', 'salt, and pepper'],
    ['t/b', '1724442618569203713', 'b'],
    ['t/c', '-3', 'a < b'],
  ] as const)
    capture.add(arrival(topic, `{"id": ${id}, "name": ${JSON.stringify(name)}}`))
  const pivot = { columns: ['$.id'], sort: '$.id', descending: false, where: '' }
  const topicsOf = (patch: Partial<typeof pivot>) => {
    view.show({ ...DEFAULT_VIEW, mode: 'latest', pivot: { ...pivot, ...patch } })
    const { latest, whereProblem } = view.snapshot()
    return whereProblem ?? latest.map(({ topic }) => topic.slice(2)).join('')
  }
  assert.equal(topicsOf({}), 'cba')
  assert.equal(topicsOf({ descending: true }), 'abc')
  assert.equal(topicsOf({ where: 'name = "salt, and pepper"' }), 'a')
  assert.equal(topicsOf({ where: 'name == "a < b" && id < 0' }), 'c')
  assert.equal(topicsOf({ where: 'id < 0, name != b AND topic:t/c' }), 'c')
  for (const [where, wrong] of [
    ['id < 0 or id > 1', 'or'],
    ['id < 0 || id > 1', '||'],
    ['id < 2,9', '$.id<2,9'],
    ['id < 2 , 9', '9'],
  ] as const)
    assert.equal(topicsOf({ where }), wrong, where)
})
