/** What clients make the broker keep is counted, refused when it is too much, and given back when they go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { usedBytes } from '../../src/server/garbage-watch.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const durable = { properties: { sessionExpirySeconds: 1000 } }
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** A filter, or topic, of `levels` levels that no other has. */
const deep = (index: number, levels: number, first: string): string =>
  [first, ...range(levels - 1).map((level) => `${index}x${level}`)].join('/')

const BEGUN = 100_000

/** Everything that a client can make us keep. */
const keeps: Readonly<Record<string, (stage: Stage, client: Actor, name?: string) => void>> = {
  'filters with wildcards': (_stage, client, name = '') => {
    for (const index of range(40))
      client.send(
        make.subscribe(
          1,
          range(10).map((at) => ({ filter: deep(index * 10 + at, 50, `+/${name}`) })),
        ),
      )
  },
  'filters without': (_stage, client, name = '') => {
    for (const index of range(50))
      client.send(
        make.subscribe(
          1,
          range(100).map((at) => ({ filter: `exact/${name}/${index}/${at}` })),
        ),
      )
  },
  'topic aliases': (_stage, client) => {
    for (const alias of range(10))
      client.send(
        make.publish('t'.padEnd(60_000, String(alias)), '', {
          properties: { topicAlias: alias + 1 },
        }),
      )
  },
  'an unfinished packet': (_stage, client) => {
    const whole = client.bytesOf(make.publish('t', new Uint8Array(1_900_000)))
    for (const at of range(15)) client.sendBytes(whole.slice(at * BEGUN, (at + 1) * BEGUN))
  },
  'QoS 2 messages': (_stage, client) => {
    for (const index of range(15))
      client.send(make.publish('t', new Uint8Array(100_000), { qos: 2, packetId: index + 1 }))
  },
  'retained messages': (_stage, client, name = '') => {
    for (const index of range(5000))
      client.send(make.publish(`retained/${name}/${index}`, new Uint8Array(100), { retain: true }))
  },
  'retained messages of many levels': (_stage, client, name = '') => {
    for (const index of range(300))
      client.send(make.publish(deep(index, 50, `deep${name}`), 'x', { retain: true }))
  },
  'user names': (stage) => {
    for (const index of range(20))
      stage.open().send(make.connect(5, { clientId: `u${index}`, username: 'u'.repeat(60_000) }))
  },
  'messages without payload in a large window': (stage, client, name = '') => {
    stage
      .open()
      .send(
        make.connect(5, { clientId: `window${name}`, properties: { receiveMaximum: 65_535 } }),
        make.subscribe(1, [{ filter: 'empty', qos: 1 }]),
      )
    for (const index of range(5000))
      client.send(make.publish('empty', '', { qos: 1, packetId: index + 1 }))
  },
  'filters whose nodes others have brought': (_stage, client, name = '') => {
    for (const index of range(30)) {
      const long = deep(index, 100, `+/${name}`)
      client.send(
        make.subscribe(1, [{ filter: long }]),
        make.subscribe(2, [{ filter: `${long}/x` }]),
        make.unsubscribe(3, [long]),
      )
    }
  },
  wills: (stage) => {
    for (const index of range(50))
      stage.open().send(
        make.connect(5, {
          clientId: `w${index}`,
          will: { topic: 'w', payload: new Uint8Array(50_000) },
        }),
      )
  },
  'output nobody reads': (stage, client) => {
    for (const index of range(5)) {
      const reader = stage.open()
      reader.send(make.connect(5, { clientId: `stuck${index}` }))
      reader.subscribe(`for/${index}`, 0)
      reader.isStuck = true
      for (let at = 0; at < 400; at++)
        client.send(make.publish(`for/${index}`, new Uint8Array(1000)))
    }
  },
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Buffers are swept beside the program. */
async function collect(): Promise<void> {
  for (const _time of range(3)) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Messages that stay while those beside them go: each keeps alive the array that they shared. */
const outlasts: Readonly<Record<string, (stage: Stage, client: Actor) => void>> = {
  'retained messages': (_stage, client) => {
    const publish = (index: number, bytes: number) =>
      client.send(make.publish(`r/${index}`, new Uint8Array(bytes), { retain: true }))
    for (const index of range(60_000)) publish(index, 150)
    for (const index of range(60_000)) if (index % 3 > 0) publish(index, 0)
  },
  'queued messages': (stage, client) => {
    stage
      .connect('slow', { properties: { receiveMaximum: 1 } })
      .send(make.subscribe(1, [{ filter: 'queue', qos: 1 }]))
    for (const _message of range(500)) {
      client.send(make.publish('queue', new Uint8Array(10), { qos: 1, packetId: 1 }))
      for (const _other of range(33))
        client.send(
          make.publish('other', new Uint8Array(990), { qos: 2, packetId: 2 }),
          make.ack('pubrel', 2),
        )
    }
  },
}

for (const [what, keep] of Object.entries(outlasts))
  test(`${what}: counted with what they keep alive, though all beside them are gone`, async () => {
    const stage = createStage()
    const client = stage.connect('c')
    await collect()
    const counted = stage.node.broker.keptBytes
    const used = usedBytes()
    keep(stage, client)
    client.inbox.length = 0
    await collect()
    const share = (stage.node.broker.keptBytes - counted) / (usedBytes() - used)
    assert.ok(share > 0.8 && share < 1.2, `counted / used: ${share.toFixed(2)}`)
  })

test('what is counted is what the process takes', async () => {
  const shares: string[] = []
  for (const what of [
    'filters with wildcards',
    'filters without',
    'retained messages',
    'retained messages of many levels',
  ]) {
    const stage = createStage()
    const client = stage.connect('c')
    await collect()
    const counted = stage.node.broker.keptBytes
    const used = usedBytes()
    for (const time of range(5)) keeps[what](stage, client, `${time}`)
    client.inbox.length = 0
    await collect()
    const share = (stage.node.broker.keptBytes - counted) / (usedBytes() - used)
    shares.push(`${what} ${share.toFixed(2)}`)
    if (share < 0.7 || share > 1.7) assert.fail(`counted / used: ${shares.join(', ')}`)
  }
})

for (const [what, keep] of Object.entries(keeps)) {
  test(`${what}: counted as they are kept, and given back`, () => {
    const stage = createStage()
    const { broker } = stage.node
    const none = broker.keptBytes
    const client = stage.connect('c')
    const before = broker.keptBytes
    keep(stage, client)
    assert.ok(broker.keptBytes > before + 300_000, `${broker.keptBytes - before} bytes`)
    stage.clear()
    assert.equal(broker.keptBytes, none)
  })

  test(`${what}: refused in time when memory is short`, () => {
    const stage = createStage()
    const { broker } = stage.node
    const client = stage.connect('c')
    const room = 200_000
    broker.setMemory(10 * room, 9 * room - broker.keptBytes)
    keep(stage, client)
    stage.pass(200)
    assert.ok(broker.keptBytes < 6 * room, `${broker.keptBytes} bytes`)
  })
}

test('what waits in memory for clients that are away is counted, once for all of them, and given back', () => {
  const stage = createStage()
  const { broker } = stage.node
  for (const index of range(20)) {
    const sleeper = stage.connect(`s${index}`, { cleanStart: false, ...durable })
    sleeper.subscribe('q', 1)
    sleeper.cut()
  }
  const author = stage.connect('author')
  const none = broker.keptBytes
  for (const packetId of range(100))
    author.send(make.publish('q', new Uint8Array(10_000), { qos: 1, packetId: packetId + 1 }))
  const kept = broker.keptBytes - none
  assert.ok(kept > 1_000_000 && kept < 2_000_000, `${kept} bytes`)
  stage.connect('s0', { cleanStart: true })
  for (const index of range(20)) broker.forget(`s${index}`)
  author.cut()
  assert.ok(broker.keptBytes < none, `${broker.keptBytes} bytes, ${none} before`)
})

test('sessions and their queues are counted, and given back', () => {
  const stage = createStage()
  const { broker } = stage.node
  const none = broker.keptBytes
  const author = stage.connect('author')
  for (const index of range(100)) {
    const sleeper = stage.connect(`s${index}`, { cleanStart: false, ...durable })
    sleeper.subscribe('q', 1)
    sleeper.cut()
  }
  assert.ok(broker.keptBytes > none + 100_000)
  const back = stage.connect('s0', { cleanStart: false, ...durable })
  for (const packetId of range(2000))
    author.send(make.publish('q', new Uint8Array(1000), { qos: 1, packetId: packetId + 1 }))
  assert.ok(broker.keptBytes > none + 1_000_000)
  back.cut()
  for (const index of range(100)) broker.forget(`s${index}`)
  stage.clear()
  assert.equal(broker.keptBytes, none)
})
