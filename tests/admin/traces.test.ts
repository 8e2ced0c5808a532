/** What a trace sees of a connection that was looked at before. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { createTraces, traceForOthers } from '../../src/admin/traces.ts'
import { createStage, type Stage } from '../broker/stage.ts'
import * as make from '../support/packets.ts'

const wanted = { clientId: 'reader' }

/** A trace ends while the payload of a large message waits for its client; another one begins behind it. */
function lookTwice(stage: Stage, start: () => void, end: () => void): void {
  const reader = stage.connect('reader', {}, 4)
  reader.subscribe('t', 0)
  const author = stage.connect('author', {}, 4)
  start()
  reader.write = () => false
  author.send(make.publish('t', new Uint8Array(40_000)))
  end()
  reader.write = () => true
  reader.drain()
  start()
  author.send(make.publish('t', 'x'))
}

test('a trace takes no packet for the rest of one that the last trace did not see the end of', () => {
  const stage = createStage()
  const { broker } = stage.node
  const traces = createTraces(broker, broker.inspector())
  let id = ''
  lookTwice(
    stage,
    () => void ({ id } = traces.start(wanted)),
    () => void traces.remove(id),
  )
  assert.equal(traces.packets(id, 0, 10).length, 1)
  traces.stop()
})

test('nor does one that is for another thread', async () => {
  const stage = createStage()
  const { broker } = stage.node
  const seen: string[] = []
  const tell: Parameters<typeof traceForOthers>[2] = (all) => seen.push(...all.map(({ id }) => id))
  const others = traceForOthers(broker, broker.inspector(), tell)
  let count = 0
  lookTwice(
    stage,
    () => others.start(`${++count}`, wanted),
    () => others.end('1'),
  )
  await turn()
  assert.deepEqual(seen, ['1', '2'])
})
