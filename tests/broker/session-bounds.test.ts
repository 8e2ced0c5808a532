/** Bounds on sessions hold for CONNECTs that come at once, whatever has to be asked before a session begins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import * as make from '../support/packets.ts'
import { createStage } from './stage.ts'

const CLIENTS = 20
const MAX = 3
const STORE_MS = 40
const KEPT = { cleanStart: false, properties: { sessionExpirySeconds: 3600 } }

for (const [bound, limits] of [
  ['of all', { sessionsMax: MAX }],
  ['of a user', { sessionsPerUserMax: MAX }],
] as const)
  test(`sessions ${bound}: CONNECTs that the store is asked for at once`, () => {
    const stage = createStage(limits, undefined, undefined, STORE_MS)
    const login = { ...KEPT, username: 'ann', password: 'x' }
    const actors = Array.from({ length: CLIENTS }, () => stage.open())
    for (const [at, actor] of actors.entries())
      actor.put(actor.bytesOf(make.connect(5, { ...login, clientId: `c${at}` })))
    stage.pass(10 * STORE_MS)
    const codes = actors.map((actor) => actor.take('connack')?.code)
    assert.equal(codes.filter((code) => code === 0).length, MAX)
    assert.equal(codes.filter((code) => code === Reason.serverBusy).length, CLIENTS - MAX)
    // Nothing stays of those that were refused, and who is in comes back.
    assert.equal(stage.node.broker.counts().sessions, MAX)
    for (const at of codes.keys()) {
      if (codes[at] !== 0) continue
      const again = stage.open()
      again.send(make.connect(5, { ...login, clientId: `c${at}` }))
      stage.pass(3 * STORE_MS)
      const connack = again.take('connack')
      assert.deepEqual([connack?.code, connack?.sessionPresent], [0, true])
    }
    const refused = stage.open()
    const clientId = `c${codes.indexOf(Reason.serverBusy)}`
    refused.send(make.connect(5, { ...login, clientId }))
    assert.equal(refused.take('connack')?.code, Reason.serverBusy)
  })
