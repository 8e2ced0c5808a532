/** How fast a client may send, where a reload changes what is bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage } from './stage.ts'

test('what a client sent while messages had no bound is not held against it when they get one', () => {
  const stage = createStage({ bytesPerSecondMax: 1 << 20 })
  const publisher = stage.connect('publisher')
  for (let n = 0; n < 1000; n++) publisher.send(make.publish('t', ''))
  stage.node.limits.messagesPerSecondMax = 10
  stage.pass(1000)
  publisher.send(make.publish('t', ''))
  assert.equal(publisher.isPaused, false)
})
