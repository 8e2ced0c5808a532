import assert from 'node:assert/strict'
import { test as nodeTest } from 'node:test'
import type { Qos } from '../../src/codec/packets.ts'
import { SETTLINGS_MAX } from '../../src/broker/state/settle.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { SimClient } from './client.ts'
import { Mesh } from './memory-peers.ts'
import { seeded, SimNode, Timeline } from './world.ts'

/** How two nodes stand on one set of data: as those of a cluster, or as threads with doors to one store. */
const KINDS = ['one data', 'doors'] as const
let kind: (typeof KINDS)[number] = 'one data'

function test(what: string, run: () => void): void {
  for (const one of KINDS)
    nodeTest(`${one}: ${what}`, () => {
      kind = one
      run()
    })
}

/** Two cores on one set of data, joined by peers. */
function twoNodes() {
  const time = new Timeline()
  const random = seeded(7)
  const data = new MemoryData()
  const mesh = new Mesh(time, 5)
  const options = { time, random, data, storeDelayMs: 5 }
  const store = createMemoryStore(data, { node: 'all', defer: (run) => time.at(2, run) })
  const joint = new JointStore(store, { doors: 2, hasRoom: () => true })
  const node = (name: string) => {
    const doors = kind === 'doors' && { store: joint.door(name, (run) => time.at(3, run)) }
    return new SimNode({ ...options, name, peers: mesh.join(name), ...doors })
  }
  const a = node('a')
  const b = node('b')
  const wait = (ms = 1000) => time.run(time.nowMs + ms)
  wait()
  const connect = (id: string, node: SimNode, durable = false) => {
    const client = new SimClient(id, 5, durable)
    client.connect(node, 2)
    wait()
    assert.ok(client.connected, `${id} is connected`)
    return client
  }
  const subscribe = (client: SimClient, filter: string, qos: Qos) => {
    client.subscribe(filter, qos)
    wait()
    assert.ok(client.granted.has(filter))
  }
  const check = () => assert.deepEqual([...a.errors, ...b.errors], [])
  return { a, b, wait, connect, subscribe, check }
}

const payloads = (client: SimClient) => client.received.map(({ payload }) => payload)

for (const durable of [false, true]) {
  for (const qos of [0, 1, 2] as const) {
    const whose = durable ? 'durable' : 'clean'
    test(`QoS ${qos} published on one node reaches a ${whose} session on the other once`, () => {
      const { a, b, wait, connect, subscribe, check } = twoNodes()
      const subscriber = connect('s', b, durable)
      subscribe(subscriber, 'x/+', qos)
      const publisher = connect('p', a)
      publisher.publish('x/1', 'one', qos)
      publisher.publish('x/1', 'two', qos)
      wait()
      assert.deepEqual(payloads(subscriber), ['one', 'two'])
      check()
    })
  }
}

test('a retained message of one node is sent to a new subscription on the other', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  connect('p', a).publish('r', 'kept', 1, true)
  wait()
  const subscriber = connect('s', b)
  subscribe(subscriber, 'r', 1)
  wait()
  assert.deepEqual(subscriber.received, [{ topic: 'r', payload: 'kept', qos: 1, retain: true }])
  check()
})

test('a client that connects to the other node takes over, and its queue follows', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const device = connect('device', a, true)
  subscribe(device, 'cmd', 1)
  device.holdAcks = true
  const publisher = connect('p', a)
  for (const payload of ['1', '2', '3']) publisher.publish('cmd', payload, 1)
  wait()
  const again = connect('device', b, true)
  wait()
  assert.equal(device.disconnectReason, 0x8e)
  assert.equal(device.connected, false)
  assert.equal(again.sessionPresent, true)
  assert.deepEqual(payloads(again), ['1', '2', '3'])
  check()
})

test('a clean client that connects to the other node takes over', () => {
  const { a, b, wait, connect, check } = twoNodes()
  const device = connect('device', a)
  connect('device', b)
  wait()
  assert.equal(device.disconnectReason, 0x8e)
  check()
})

test('what was published while a session was away waits for it at either node', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const device = connect('device', a, true)
  subscribe(device, 'cmd', 2)
  device.disconnect()
  wait()
  connect('pa', a).publish('cmd', 'from a', 2)
  wait()
  connect('pb', b).publish('cmd', 'from b', 2)
  wait()
  const again = connect('device', b, true)
  wait()
  assert.deepEqual(payloads(again), ['from a', 'from b'])
  check()
})

test('a shared subscription with members on both nodes gets each message once', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const first = connect('s1', a)
  const second = connect('s2', b)
  subscribe(first, '$share/g/work', 1)
  subscribe(second, '$share/g/work', 1)
  for (const [node, id] of [
    [a, 'pa'],
    [b, 'pb'],
  ] as const) {
    const publisher = connect(id, node)
    for (let n = 0; n < 10; n++) publisher.publish('work', `${id} ${n}`, 1)
    wait()
  }
  const all = [...payloads(first), ...payloads(second)]
  assert.equal(all.length, 20)
  assert.equal(new Set(all).size, 20)
  check()
})

/** A device at one node that is cut off and leaves a will; a client at the other that watches for it. */
function leaveWill(delaySeconds: number) {
  const nodes = twoNodes()
  const { a, b, wait, connect, subscribe } = nodes
  const watcher = connect('watcher', b)
  subscribe(watcher, 'gone/#', 1)
  const device = new SimClient('device', 5, delaySeconds > 0)
  device.will = { topic: 'gone/device', payload: 'bye', delaySeconds }
  device.connect(a, 2)
  wait()
  device.cut()
  return { ...nodes, watcher }
}

test('a will is published on the other node', () => {
  const { wait, watcher, check } = leaveWill(0)
  wait()
  assert.deepEqual(payloads(watcher), ['bye'])
  check()
})

test('a shared group gets at QoS 0 what its member at the other node is owed, durable or not', () => {
  for (const durable of [false, true]) {
    const { a, b, wait, connect, subscribe, check } = twoNodes()
    const member = connect('m', b, durable)
    subscribe(member, '$share/g/work', 1)
    const publisher = connect('p', a)
    for (const qos of [0, 1] as const) publisher.publish('work', `qos ${qos}`, qos)
    wait()
    assert.deepEqual(payloads(member).toSorted(), ['qos 0', 'qos 1'])
    check()
  }
})

test('members of a shared group at both nodes take turns', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const here = connect('here', a)
  const there = connect('there', b)
  subscribe(here, '$share/g/work', 0)
  subscribe(there, '$share/g/work', 0)
  const publisher = connect('p', a)
  for (let n = 0; n < 10; n++) publisher.publish('work', `${n}`, 0)
  wait()
  assert.deepEqual([here.received.length, there.received.length], [5, 5])
  check()
})

test('a member at the other node comes before one that is away', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const away = connect('away', a, true)
  subscribe(away, '$share/g/work', 1)
  away.disconnect()
  const there = connect('there', b)
  subscribe(there, '$share/g/work', 1)
  connect('p', a).publish('work', 'one', 1)
  wait()
  assert.deepEqual(payloads(there), ['one'])
  check()
})

test('what is published elsewhere behind SUBACK is received', () => {
  for (const durable of [false, true]) {
    const { a, b, wait, connect, check } = twoNodes()
    const publisher = connect('p', a)
    const subscriber = connect('s', b, durable)
    subscriber.onAnswer = () => publisher.publish('x', 'at once', 1)
    subscriber.subscribe('x', 1)
    wait()
    assert.deepEqual(payloads(subscriber), ['at once'])
    check()
  }
})

test('a delayed will is published once, by one node', () => {
  const { wait, watcher, check } = leaveWill(5)
  wait(3000)
  assert.deepEqual(payloads(watcher), [])
  wait(10_000)
  assert.deepEqual(payloads(watcher), ['bye'])
  check()
})

test('a will is not published when its client comes back at the other node in time', () => {
  const { b, wait, connect, watcher, check } = leaveWill(5)
  wait(3000)
  connect('device', b, true)
  wait(10_000)
  assert.deepEqual(payloads(watcher), [])
  check()
})

test('what came while a session was away is there when it comes back to the node that had it', () => {
  const { a, b, wait, connect, subscribe, check } = twoNodes()
  const device = connect('device', a, true)
  subscribe(device, 'cmd', 1)
  device.disconnect()
  wait()
  connect('p', b).publish('cmd', 'one', 1)
  wait()
  const again = connect('device', a, true)
  wait()
  assert.deepEqual(payloads(again), ['one'])
  check()
})

test('of a client that connects to both nodes at once one connection stays', () => {
  for (const durable of [false, true]) {
    const { a, b, wait, check } = twoNodes()
    const clients = [a, b].map((node) => {
      const client = new SimClient('one', 5, durable)
      client.connect(node, 2)
      return client
    })
    wait()
    assert.equal(clients.filter(({ connected }) => connected).length, 1)
    check()
  }
})

test('the rest of what is retained comes to a session whose client is back at the other node [MQTT-3.3.1-9]', () => {
  const { a, b, wait, connect, check } = twoNodes()
  const author = connect('author', a)
  for (let n = 0; n < 400; n++) author.publish(`r/${n}`, `${n}`, 1, true)
  wait(5000)
  const reader = new SimClient('reader', 5, true, { receiveMaximum: 2 })
  reader.connect(a, 2)
  wait()
  reader.holdAcks = true
  reader.subscribe('r/#', 1)
  wait()
  assert.ok(reader.received.length < 300, `${reader.received.length} came at once`)
  reader.cut()
  wait()
  reader.holdAcks = false
  reader.connect(b, 2)
  wait(20_000)
  assert.equal(reader.sessionPresent, true)
  assert.equal(new Set(payloads(reader)).size, 400)
  const { length } = reader.received
  reader.cut()
  wait()
  reader.connect(a, 2)
  wait(5000)
  assert.equal(reader.received.length, length, 'it is over then')
  check()
})

test('of many sessions whose time is up at once the store is asked about a few at a time, and all of them end [MQTT-3.1.2-23]', () => {
  const { a, b, wait, connect, check } = twoNodes()
  a.limits.sessionExpiryMsMax = b.limits.sessionExpiryMsMax = 60_000
  const clients = Array.from({ length: 3 * SETTLINGS_MAX }, (_, n) => {
    const client = new SimClient(`c${n}`, 5, true)
    client.connect(a, 2)
    return client
  })
  wait()
  for (const client of clients) client.cut()
  wait(59_000)
  const claims: string[] = []
  const claim = a.store.claim.bind(a.store)
  a.store.claim = (request, clientId, cleanStart) => {
    claims.push(clientId)
    claim(request, clientId, cleanStart)
  }
  while (claims.length === 0) wait(1)
  assert.ok(claims.length <= SETTLINGS_MAX, `${claims.length} claims at once`)
  wait(5000)
  assert.equal(claims.length, clients.length)
  assert.equal(connect('c0', b, true).sessionPresent, false)
  assert.equal(connect(`c${clients.length - 1}`, b, true).sessionPresent, false)
  check()
})

/** A session is due at one node, and its client comes there and is cut off, so many ms later each; then it comes to the other. */
function comesWhileDue(offsetMs: number, cutMs: number): boolean {
  const { a, b, wait, connect, check } = twoNodes()
  for (const { limits } of [a, b]) limits.sessionExpiryMsMax = 3000
  connect('device', a, true).disconnect()
  wait(3090 + offsetMs)
  const device = new SimClient('device', 5, true)
  device.connect(a, 0)
  wait(cutMs)
  device.cut()
  wait(50)
  device.connect(b, 2)
  wait(2000)
  check()
  return device.connected
}

test('a client that is cut off at one node while its session is due there is let in at the other', () => {
  for (let offsetMs = 0; offsetMs < 16; offsetMs++)
    for (let cutMs = 1; cutMs < 12; cutMs++)
      assert.ok(comesWhileDue(offsetMs, cutMs), `after ${offsetMs} ms, cut after ${cutMs}`)
})

/** A session is due at one node, and its client comes to the other and there, so many ms later each. */
function comesToBothWhileDue(otherMs: number, hereMs: number): boolean {
  const { a, b, wait, connect, check } = twoNodes()
  for (const { limits } of [a, b]) limits.sessionExpiryMsMax = 3000
  connect('device', a, true).disconnect()
  wait(3090 + Math.min(otherMs, hereMs))
  const [there, here] = [b, a].map(() => new SimClient('device', 5, true))
  const come: [number, () => void][] = [
    [otherMs, () => there.connect(b, 0)],
    [hereMs, () => here.connect(a, 0)],
  ]
  come.sort(([one], [other]) => one - other)
  come[0][1]()
  wait(come[1][0] - come[0][0])
  come[1][1]()
  wait(2000)
  check()
  return [there, here].filter(({ connected }) => connected).length === 1
}

test('a client that comes to two nodes while its session is due at one of them is let in at one', () => {
  const wrong: string[] = []
  for (let otherMs = 0; otherMs < 24; otherMs++)
    for (let hereMs = 0; hereMs < 24; hereMs++)
      if (!comesToBothWhileDue(otherMs, hereMs)) wrong.push(`${otherMs}/${hereMs}`)
  assert.deepEqual(wrong, [])
})

test('a message to a group whose last member leaves meanwhile waits for one that is away', () => {
  for (let ms = 0; ms <= 20; ms++) {
    const { a, b, wait, connect, subscribe, check } = twoNodes()
    const away = connect('away', b, true)
    subscribe(away, '$share/g/w', 1)
    away.cut()
    wait()
    const leaving = connect('leaving', b)
    subscribe(leaving, '$share/g/w', 1)
    const publisher = connect('p', a)
    leaving.disconnect()
    wait(ms)
    publisher.publish('w', 'one', 1)
    wait()
    assert.ok(publisher.acked.has('one'))
    const got = [...payloads(leaving), ...payloads(connect('away', a, true))]
    assert.deepEqual(got, ['one'], `${ms} ms later`)
    check()
  }
})
