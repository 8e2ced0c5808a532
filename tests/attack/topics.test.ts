import assert from 'node:assert/strict'
import * as make from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import {
  attacks,
  leastCpuMs,
  residentMb,
  roundTripMs,
  roundTripsCpuMs,
  withinMb,
} from './attack.ts'

const attack = attacks('attacks on topics and filters')

const SLASHES = '/'.repeat(65_535)
const PLUSES = '+/'.repeat(32_767)

attack(
  'S24: names and filters of thousands of levels are refused wherever they stand',
  { v3: '', v4: '', v5: '' },
  async ({ open, connect, version }) => {
    const packets = [
      make.publish(SLASHES, 'x'),
      make.publish(SLASHES, 'x', { qos: 1, packetId: 1, retain: true }),
      make.subscribe(1, [{ filter: SLASHES }]),
      make.subscribe(1, [{ filter: PLUSES }]),
      make.subscribe(1, [{ filter: `$share/g/${PLUSES.slice(20)}` }]),
      make.unsubscribe(1, [PLUSES]),
    ]
    for (const packet of packets) {
      const client = await connect()
      client.send(packet)
      await client.expectDropped(0x81)
    }
    const dying = await open()
    dying.send(make.connect(version, { will: { topic: SLASHES } }))
    await dying.expect('connack', { code: version === 5 ? 0x90 : 2 }).catch(() => {})
    await dying.expectClosed()
  },
)

/** Every filter of `levels` levels, each of them `a` or `+`. */
function everyMix(levels: number): string[] {
  let filters = ['']
  for (let level = 0; level < levels; level++) {
    filters = filters.flatMap((filter) => [`${filter}a/`, `${filter}+/`])
  }
  return filters.map((filter) => filter.slice(0, -1))
}

async function subscribeAll(client: RawClient, filters: string[]): Promise<void> {
  for (let at = 0; at < filters.length; at += 500) {
    await client.subscribe(filters.slice(at, at + 500).map((filter) => ({ filter })))
  }
}

attack(
  'S25: a name that 16,384 filters match holds nobody up',
  { v4: '', v5: '' },
  async (scene) => {
    const subscriber = await scene.connect()
    const under = (filter: string) => `${scene.topic}/${filter}`
    await subscribeAll(subscriber, everyMix(14).map(under))
    const publisher = await scene.connect()
    const other = await scene.connect()
    await other.subscribe({ filter: `${scene.topic}x`, qos: 1 })
    const name = under(Array.from({ length: 14 }, () => 'a').join('/'))
    const ms = await leastCpuMs(scene, 3, async () => {
      publisher.send(make.publish(name, 'x'))
      await roundTripMs(other, `${scene.topic}x`)
    })
    assert.ok(ms <= 200, `${ms} ms of CPU`)
    await subscriber.find('publish', { topic: name })
  },
)

attack('S25: a name that every # of a deep tree matches', { v4: '', v5: '' }, async (scene) => {
  const levels = Array.from({ length: 150 }, () => 'b').join('/')
  const filters = ['#']
  for (let at = 1; at < levels.length; at += 2) filters.push(`${levels.slice(0, at)}/#`)
  const subscriber = await scene.connect()
  await subscribeAll(subscriber, filters)
  const ms = await leastCpuMs(scene, 3, async () => {
    await (await scene.connect()).publish(levels, 'x')
  })
  assert.ok(ms <= 200, `${ms} ms of CPU`)
  await subscriber.find('publish', { topic: levels })
})

attack(
  'S29: names with $ reach no wildcard at the first level and are no harm',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const listener = await connect()
    await listener.subscribe([{ filter: `+/${topic}` }, { filter: `$${topic}/#` }])
    const client = await connect()
    for (const name of ['$', '$foo', `$SYSX/${topic}`, `$share`, `$queue/${topic}`]) {
      await client.publish(name, 'x')
    }
    await listener.expectNothing()
    await client.publish(`$${topic}/a`, 'x')
    await listener.expect('publish', { topic: `$${topic}/a` })
  },
)

attack(
  'S30: nobody publishes what the broker keeps for itself',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic, version }) => {
    const reserved = [`$SYS/${topic}`, `$CONTROL/${topic}`, `$share/g/${topic}`]
    const listener = await connect()
    await listener.subscribe([
      { filter: `$SYS/${topic}` },
      { filter: `$CONTROL/#` },
      { filter: topic },
    ])
    const client = await connect()
    for (const name of reserved) {
      for (const qos of [1, 2] as const) {
        const reason = await client.publish(name, 'x', { qos, retain: true })
        // A command that nobody takes is acknowledged as in mosquitto; its sender alone is told.
        const isRefused = version === 5 && !name.startsWith('$CONTROL/')
        assert.equal(reason, isRefused ? 0x87 : 0)
      }
    }
    await listener.expectNothing()
  },
)

attack(
  'S31: thousands of filters in one packet are granted, and a message comes once',
  { v4: '', v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    const many = Array.from({ length: 3000 }, (_, index) => ({ filter: `${topic}${index}` }))
    const codes = await client.subscribe(many)
    assert.equal(codes.length, 3000)
    assert.ok(codes.every((code) => code === 0))
    const same = Array.from({ length: 3000 }, () => ({ filter: topic }))
    assert.equal((await client.subscribe(same)).length, 3000)
    await (await connect()).publish(topic, 'once')
    await client.expect('publish', { payload: 'once' })
    await client.expectNothing()
  },
)

/** Subscribes to and unsubscribes from `count` filters, 500 a packet. */
async function churn(client: RawClient, count: number, filterOf: (index: number) => string) {
  for (let at = 0; at < count; at += 500) {
    const filters = Array.from({ length: 500 }, (_, index) => filterOf(at + index))
    client.send(
      make.subscribe(
        1,
        filters.map((filter) => ({ filter })),
      ),
      make.unsubscribe(2, filters),
    )
    await client.expect('suback', { packetId: 1 })
    await client.expect('unsuback', { packetId: 2 })
  }
}

attack('S32: subscriptions that come and go leave nothing behind', { v5: '' }, async (scene) => {
  const client = await scene.connect()
  const round = async (name: string) => {
    await churn(client, 50_000, (index) => `${name}/${index}/+/${index % 7}`)
    await churn(client, 50_000, (index) => `$share/${name}${index}/${index}/#`)
  }
  await round('a')
  await withinMb(scene, 32, () => round('b'))
})

const RETAINED = 40_000

async function retainAll(client: RawClient, topic: string, payload: string): Promise<void> {
  for (let at = 0; at < RETAINED; at += 1000) {
    const packets = Array.from({ length: 1000 }, (_, index) =>
      make.publish(`${topic}/${(at + index) % 200}/${at + index}`, payload, { retain: true }),
    )
    client.send(...packets)
    await client.ping()
  }
}

attack(
  'S33: retained messages that are cleared leave nothing behind',
  { v4: '' },
  async (scene) => {
    const client = await scene.connect()
    const round = async (name: string) => {
      await retainAll(client, `${scene.topic}/${name}`, 'x'.repeat(50))
      await retainAll(client, `${scene.topic}/${name}`, '')
    }
    await round('a')
    await round('b')
    await withinMb(scene, 32, async () => {
      await round('c')
      await round('d')
    })
    const late = await scene.connect()
    await late.subscribe(`${scene.topic}/#`)
    await late.expectNothing()
  },
)

attack(
  'S34: asking for all that is retained again and again holds nobody up',
  { v4: '' },
  async (scene) => {
    const { connect, topic } = scene
    const keeper = await connect()
    await retainAll(keeper, topic, 'x')
    const other = await connect()
    await other.subscribe({ filter: `${topic}x`, qos: 1 })
    const startMb = residentMb(scene)
    const greedy = await connect()
    greedy.pause()
    const again = Array.from({ length: 1000 }, () =>
      make.subscribe(1, [{ filter: `${topic}/#`, qos: 1 }]),
    )
    greedy.send(...again)
    const tripsMs = await roundTripsCpuMs(scene.broker, other, `${topic}x`, 50)
    assert.ok(
      tripsMs[45] <= 100,
      `round trips up to ${tripsMs[49]} ms of CPU, one of ten over ${tripsMs[45]}`,
    )
    assert.ok(residentMb(scene) - startMb <= 64, `${residentMb(scene) - startMb} MB more`)
    greedy.destroy()
    await retainAll(keeper, topic, '')
  },
)

attack('S26: filters out of shape are refused', { v3: '', v4: '', v5: '' }, async ({ connect }) => {
  for (const filter of ['a/#/b', 'a#', '+a', '', '#/a', 'a/b+', '##', 'a/+b/c']) {
    const client = await connect()
    client.send(make.subscribe(1, [{ filter: 'fine' }, { filter }]))
    await client.expectDropped(0x81)
  }
})

const BAD_SHARES = [
  '$share',
  '$share/',
  '$share/g',
  '$share//x',
  '$share/g/',
  '$share/a+/x',
  '$share/#/x',
  '$share/g/a/#/b',
]

attack(
  'S27: shared filters out of shape are refused and leave nothing',
  { v4: '', v5: '' },
  async ({ connect }) => {
    for (const filter of BAD_SHARES) {
      const client = await connect()
      client.send(make.subscribe(1, [{ filter }]))
      await client.expectDropped(0x81)
      const other = await connect()
      other.send(make.unsubscribe(1, [filter]))
      await other.expectDropped(0x81)
    }
  },
)

attack(
  'S28: no-local on a shared subscription is refused',
  { v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send(make.subscribe(1, [{ filter: `$share/g/${topic}`, noLocal: true }]))
    await client.expectDropped(0x82)
  },
)
