/** Behind a PUBREC that refuses, the identifier means a new message, whatever refused and whatever was held under it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Limits } from '../../src/ports/limits.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const ID = 7
const ending = { clientId: 'c', cleanStart: false }
const durable = { clientId: 'c', cleanStart: false, properties: { sessionExpirySeconds: 1000 } }

interface Refusal {
  readonly reason: number
  readonly limits?: Partial<Limits>
  /** `t` unless told otherwise. */
  readonly topic?: string
  begin(stage: Stage): void
  end(stage: Stage): void
}

/** Every way to refuse a PUBLISH by its PUBREC, switched on and off. */
const refusals: Readonly<Record<string, Refusal>> = {
  'rules reloaded': {
    reason: 0x87,
    begin: ({ node }) => (node.auth.publish = () => false),
    end: ({ node }) => (node.auth.publish = null),
  },
  'a hook that answers later': {
    reason: 0x87,
    begin: ({ node }) => (node.auth.publish = () => Promise.resolve(false)),
    end: ({ node }) => (node.auth.publish = null),
  },
  'memory shed': {
    reason: 0x97,
    begin: ({ node }) => node.broker.setMemory(1000, 1000),
    end: ({ node }) => node.broker.setMemory(0, 0),
  },
  'the number of retained messages': {
    reason: 0x97,
    begin({ node }) {
      node.limits.retainedMax = 1
    },
    end({ node }) {
      node.limits.retainedMax = 0
    },
  },
  'the bytes of retained messages': {
    reason: 0x97,
    begin({ node }) {
      node.limits.retainedBytesMax = 1
    },
    end({ node }) {
      node.limits.retainedBytesMax = 0
    },
  },
  'the size of a payload': {
    reason: 0x97,
    begin({ node }) {
      node.limits.payloadBytesMax = 1
    },
    end({ node }) {
      node.limits.payloadBytesMax = 0
    },
  },
  'too many delayed messages': {
    reason: 0x97,
    limits: { delayedMax: 10 },
    topic: '$delayed/1/t',
    begin({ node }) {
      node.limits.delayedBytesMax = 1
    },
    end({ node }) {
      node.limits.delayedBytesMax = 1e6
    },
  },
}

/** The stage, who reads, and who publishes. */
function begin(
  { limits }: Refusal,
  session: Partial<typeof durable> = durable,
): { stage: Stage; reader: Actor; author: Actor } {
  const stage = createStage(limits)
  stage.connect('another').send(make.publish('retained', 'x', { retain: true }))
  const reader = stage.connect('reader')
  reader.subscribe('t', 1)
  return { stage, reader, author: stage.connect('c', session) }
}

/** The reason of the PUBREC; a hook may have to be waited for. */
async function pubrec(stage: Stage, client: Actor): Promise<number | undefined> {
  await new Promise(setImmediate)
  stage.pass(0)
  const packet = client.take('pubrec')
  assert.equal(packet?.packetId, ID)
  return packet.reason
}

function again(stage: Stage, client: Actor): Actor {
  client.cut()
  return stage.connect('c', durable)
}

for (const [what, refusal] of Object.entries(refusals)) {
  const { topic = 't' } = refusal
  const message = (payload: string, dup: boolean) =>
    make.publish(topic, payload, { qos: 2, packetId: ID, retain: true, dup })

  for (const held of [true, false])
    for (const cut of ['never', 'nowhere', 'before the refusal', 'behind it'] as const)
      for (const dup of [false, true])
        test(`${what}: ${held ? 'a repeat' : 'a first one'} refused, then a new one with DUP=${Number(dup)}, cut ${cut} [MQTT-4.3.3-9]`, async () => {
          // One that is never cut needs no session that is kept.
          const session = cut === 'never' ? ending : durable
          const { stage, reader, author: first } = begin(refusal, session)
          let author = first
          if (held) {
            author.send(message('refused', false))
            assert.equal(await pubrec(stage, author), 0)
          }
          if (cut === 'before the refusal') author = again(stage, author)
          refusal.begin(stage)
          author.send(message('refused', held || dup))
          assert.equal(await pubrec(stage, author), refusal.reason)
          refusal.end(stage)
          if (cut === 'behind it') author = again(stage, author)
          author.send(message('new', dup))
          assert.equal(await pubrec(stage, author), 0)
          author.send(make.ack('pubrel', ID))
          assert.equal(author.take('pubcomp')?.reason, 0)
          stage.pass(2000)
          assert.deepEqual(reader.payloads(), ['new'])
          assert.deepEqual(stage.node.errors, [])
        })

  test(`${what}: PUBREL of what was refused finds nothing, and nobody gets it [MQTT-4.3.3-9]`, async () => {
    const { stage, reader, author } = begin(refusal)
    author.send(message('refused', false))
    assert.equal(await pubrec(stage, author), 0)
    refusal.begin(stage)
    author.send(message('refused', true))
    assert.equal(await pubrec(stage, author), refusal.reason)
    refusal.end(stage)
    author.send(make.ack('pubrel', ID))
    assert.equal(author.take('pubcomp')?.reason, 0x92)
    stage.pass(2000)
    assert.deepEqual(reader.payloads(), [])
  })
}
