/** NATS servers that are not there, are full, or are not what they were; and a node that is there twice. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import type { ClusterOptions } from '../../src/cluster/cluster-options.ts'
import { isFailure, pause, type Headers, type Wire } from '../../src/cluster/wire.ts'
import type { Door } from '../store/door.ts'
import { startNats, type NatsServer, type NatsServers } from './nats-servers.ts'
import { newName, newNode, plainWire } from './nodes.ts'
import { doorOf, overNats } from './support/stage.ts'

/** Streams are looked at twice as often as a lease is long. */
const SHORT_LEASE_MS = 3000
const FILL_BYTES = 300_000

interface Stage {
  readonly node: ClusterNode
  readonly door: Door
}

function stage(
  context: TestContext,
  { urls }: NatsServers,
  cluster: string,
  more: Partial<ClusterOptions> = {},
): Stage {
  const node = newNode(urls, cluster, 'a', more)
  context.after(() => node.cut())
  return { node, door: doorOf(node) }
}

/** Makes a stream of three replicas that `server` leads. */
async function leadAlone(wire: Wire, { name }: NatsServer): Promise<void> {
  const config = { name: 'led', subjects: ['led.*'], storage: 'file', num_replicas: 3 }
  await wire.api('STREAM.CREATE.led', config)
  for (;;) {
    const { cluster } = await wire.api<{ cluster: { leader?: string } }>('STREAM.INFO.led')
    if (cluster.leader === name) return
    if (cluster.leader !== undefined)
      await wire.api('STREAM.LEADER.STEPDOWN.led', { placement: { preferred: name } })
    await pause(100)
  }
}

overNats('faults of the engine', (nats) => {
  test('a node whose NATS servers are not there yet waits for them', async (context) => {
    const late = await startNats()
    const [server] = late.servers
    await server.kill('SIGKILL')
    const { door } = stage(context, late, newName())
    context.after(() => late.stop())
    const open = door.open()
    await server.start()
    await open
  })

  test('a second process with the id of a node that is there does not join', async (context) => {
    const cluster = newName()
    await stage(context, nats, cluster).door.open()
    const second = stage(context, nats, cluster)
    second.door.store.open(second.door.told.events)
    const [, failure, error] = await second.door.told.next('failed')
    assert.equal(failure, 'broken')
    assert.match(error.message, /another process is node a of this cluster/)
  })

  test('a node ends when one of its streams is deleted, or made anew, under it', async (context) => {
    const assertEnds = async (letter: string): Promise<void> => {
      const cluster = newName()
      const { node, door } = stage(context, nats, cluster, { leaseMs: SHORT_LEASE_MS })
      await door.open()
      await node.wire.api(`STREAM.DELETE.${cluster}_${letter}`)
      const [, failure, error] = await door.told.next('failed')
      assert.equal(failure, 'broken')
      assert.match(error.message, new RegExp(`the stream ${cluster}_${letter} was deleted`))
    }
    // Each waits for the next look, which is two leases away.
    await Promise.all(['S', 'Q1', 'R', 'X'].map(assertEnds))
  })

  test('while JetStream has no room nothing is acknowledged; what waits is stored when it has', async (context) => {
    const full = await startNats(1, '"2m", max_file_store: 4MB')
    const { node, door } = stage(context, full, newName(), { partitions: 1 })
    // After the node has left: its library writes to what the server has closed.
    context.after(() => full.stop())
    await door.open()
    await door.claim('c')
    const filler = { name: 'filler', subjects: ['filler'], storage: 'file' }
    await node.wire.api('STREAM.CREATE.filler', filler)
    const fill = () => node.wire.put('filler', new Uint8Array(FILL_BYTES))
    // What a slow disk has not answered yet says nothing of room.
    for (let outcome = await fill(); !isFailure(outcome) || outcome.kind !== 'refused';)
      outcome = await fill()
    door.append('c', 1, 'x'.repeat(FILL_BYTES))
    door.store.seal(1)
    const [, failure] = await door.told.next('failed')
    assert.equal(failure, 'full')
    assert.deepEqual(door.told.all('committed'), [])
    await node.wire.api('STREAM.PURGE.filler')
    await door.told.next('committed')
    await door.told.next('arrived')
  })

  test('what the leader has not settled yet, sent again, is waited for: that is no full store', async (context) => {
    const three = await startNats(3)
    const [server] = three.servers
    const wire = await plainWire([server.url])
    context.after(async () => {
      await wire.cut()
      await three.stop()
    })
    await leadAlone(wire, server)
    const others = three.servers.filter((one) => one !== server)
    for (const one of others) one.freeze(true)
    const put = (subject: string, headers: Headers) => wire.put(subject, new Uint8Array(1), headers)
    const once = { 'Nats-Msg-Id': 'once' }
    const onNothing = { 'Nats-Expected-Last-Subject-Sequence': '0' }
    const first = [put('led.a', once), put('led.b', onNothing)]
    const again = await Promise.all([put('led.a', once), put('led.b', onNothing)])
    for (const outcome of again) assert.equal(isFailure(outcome) && outcome.kind, 'unanswered')
    assert.match(JSON.stringify(again[0]), /in process/)
    assert.match(JSON.stringify(again[1]), /wrong last sequence/)
    for (const one of others) one.freeze(false)
    await Promise.all(first)
    const settled = await wire.putUntilAnswered('led.a', new Uint8Array(1), once)
    assert.ok(!isFailure(settled))
  })
})
