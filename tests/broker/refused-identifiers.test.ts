/** Behind a PUBREC of 0x80 or more an identifier means a new message, whatever was refused [MQTT-4.3.3-9]. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const ID = 7
const HEAVY = new Uint8Array(50)
const LIGHT = new Uint8Array(5)
const OPTIONS = { cleanStart: false }
const KEPT = { cleanStart: false, properties: { sessionExpirySeconds: 3600 } }

interface Refusal {
  /** From here on HEAVY is refused for this; `end` takes it back. */
  begin(stage: Stage): void
  end(stage: Stage): void
  reason: number
}

const REFUSALS: Record<string, Refusal> = {
  'rights that were reloaded': {
    begin: ({ node }) => (node.auth.publish = () => false),
    end: ({ node }) => (node.auth.publish = null),
    reason: Reason.notAuthorized,
  },
  'the quota of retained messages': {
    begin: ({ node }) => (node.limits.retainedMax = 1),
    end: () => {},
    reason: Reason.quotaExceeded,
  },
  'the bytes of retained messages': {
    begin: ({ node }) => (node.limits.retainedBytesMax = LIGHT.length),
    end: ({ node }) => (node.limits.retainedBytesMax = 0),
    reason: Reason.quotaExceeded,
  },
  'the size of a payload': {
    begin: ({ node }) => (node.limits.payloadBytesMax = LIGHT.length),
    end: () => {},
    reason: Reason.quotaExceeded,
  },
  'want of memory': {
    begin: ({ node }) => node.broker.setMemory(1, 1),
    end: ({ node }) => node.broker.setMemory(0, 0),
    reason: Reason.quotaExceeded,
  },
}

function publishes(client: Actor, payload: Uint8Array, dup: boolean): number | undefined {
  const isHeavy = payload === HEAVY
  const topic = isHeavy ? 't/refused' : 't/new'
  client.send(make.publish(topic, payload, { qos: 2, packetId: ID, retain: isHeavy, dup }))
  return client.take('pubrec')?.reason
}

/** A new message under the identifier is delivered, once, and what was refused is not. */
function expectNewMessage(client: Actor, watcher: Actor, dup: boolean): void {
  watcher.inbox.length = 0
  assert.equal(publishes(client, LIGHT, dup), 0)
  client.send(make.ack('pubrel', ID))
  assert.equal(client.take('pubcomp')?.reason, 0)
  assert.equal(watcher.take('publish')?.topic, 't/new')
  assert.equal(watcher.take('publish'), undefined)
  client.send(make.ack('pubrel', ID))
  assert.equal(client.take('pubcomp')?.reason, Reason.packetIdentifierNotFound)
  assert.equal(watcher.take('publish'), undefined)
}

const NO_CUTS = { beforeRefusal: false, behindIt: false }
const SESSIONS = {
  'a session that ends': { options: OPTIONS, cuts: NO_CUTS },
  'a session that is kept': { options: KEPT, cuts: NO_CUTS },
  'a client that was cut off before': { options: KEPT, cuts: { ...NO_CUTS, beforeRefusal: true } },
  'a client that was cut off behind it': { options: KEPT, cuts: { ...NO_CUTS, behindIt: true } },
}

for (const [what, { begin, end, reason }] of Object.entries(REFUSALS))
  for (const [who, { options, cuts }] of Object.entries(SESSIONS))
    test(`refused for ${what}, with ${who}: its identifier means a new message`, () => {
      for (const dup of [true, false])
        for (const isHeld of [true, false]) {
          const stage = createStage()
          const watcher = stage.connect('watcher')
          watcher.subscribe('t/#', 0)
          watcher.send(make.publish('kept', LIGHT, { retain: true }))
          const cut = (client: Actor): Actor => {
            client.cut()
            return stage.connect('client', options)
          }
          let client = stage.connect('client', options)
          if (isHeld) assert.equal(publishes(client, HEAVY, false), 0)
          if (cuts.beforeRefusal) client = cut(client)
          begin(stage)
          assert.equal(publishes(client, HEAVY, dup), reason)
          end(stage)
          if (cuts.behindIt) client = cut(client)
          expectNewMessage(client, watcher, dup)
        }
    })
