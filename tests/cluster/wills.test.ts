/** Wills of clients that are connected, where JetStream does not take them at first, or never does. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { PeersEvents, PeerWill } from '../../src/ports/peers.ts'
import { ClusterPeers } from '../../src/cluster/cluster-peers.ts'
import { makeStreams } from '../../src/cluster/streams.ts'
import { LeftWills, writeLeftWill } from '../../src/cluster/left-wills.ts'
import { restWills } from '../../src/cluster/resting-wills.ts'
import { tokenFor } from '../../src/cluster/tokens.ts'
import { Wills } from '../../src/cluster/wills.ts'
import { isFailure, type Wire } from '../../src/cluster/wire.ts'
import { recordOf } from '../store/door.ts'
import { messageOf, textOf } from '../store/told.ts'
import { testMsMax } from '../support/patience.ts'
import { startNats } from './nats-servers.ts'
import { newName, plainWire } from './nodes.ts'
import { overNats, stageOn, until } from './support/stage.ts'

const FILL_BYTES = 300_000

/** A core that nobody is at. */
const NOBODY: PeersEvents = {
  wanted() {},
  published() {},
  kicked: (_claim, done) => done(true),
  orphaned() {},
}

interface Place {
  /** As another node finds them. */
  leftFor(node: string): LeftWills
  readonly name: string
  readonly wire: Wire
  readonly wills: Wills
  /** What those find who come upon it when the node is gone. */
  readonly left: LeftWills
  readonly said: string[]
  /** Of wills that were refused: whose, and whether for good. */
  readonly refused: [string, boolean][]
}

async function place(
  context: TestContext,
  urls: readonly string[],
  replicas: number,
  safe = () => Promise.resolve(),
): Promise<Place> {
  const name = newName()
  const wire = await plainWire(urls)
  context.after(() => wire.cut())
  await makeStreams(wire, { name, replicas, partitions: 1, queuedMax: 0 }, () => {})
  const refused: [string, boolean][] = []
  const said: string[] = []
  const leftFor = (node: string) =>
    new LeftWills(
      wire,
      { name, node, run: `run of ${node}` },
      {
        isOurs: () => true,
        orphaned: (clientId, { message }) => void said.push(`${clientId}: ${textOf(message)}`),
        safe,
        rest: (wills) => Promise.resolve(wills),
      },
    )
  const left = leftFor('b')
  const wills = new Wills(
    wire,
    { name, node: 'a', run: 'run' },
    left,
    () => Promise.resolve(false),
    (clientId, _failure, isForGood) => void refused.push([clientId, isForGood]),
  )
  return { leftFor, name, wire, wills, left, said, refused }
}

function willOf(text: string): PeerWill {
  const message = messageOf('gone', text)
  return { message, delaySeconds: 0, username: null, remote: '', origin: '' }
}

/** Has its servers have no room. */
async function fill(wire: Wire): Promise<void> {
  const filler = { subjects: ['filler'], storage: 'file', num_replicas: 1 }
  await wire.api('STREAM.CREATE.filler', { name: 'filler', ...filler })
  const put = () => wire.put('filler', new Uint8Array(FILL_BYTES))
  for (let outcome = await put(); !isFailure(outcome) || outcome.kind !== 'refused';)
    outcome = await put()
}

/** What those say who find that the node is gone. */
async function saidOf({ left, said }: Place): Promise<string[]> {
  left.sayOrphans()
  await until(() => said.length > 0)
  return said
}

overNats('wills in the cluster', (nats) => {
  test('a will for which there is no room keeps nobody waiting, and is stored when there is', async (context) => {
    const full = await startNats(1, '"2m", max_file_store: 4MB')
    const there = await place(context, full.urls, 1)
    context.after(() => full.stop())
    const { wire, wills, refused } = there
    await fill(wire)
    wills.set('c', willOf('kept'))
    wills.set('left', willOf('not wanted any more'))
    wills.set('again', willOf('not this one'))
    await wills.stored()
    assert.deepEqual(
      refused.slice(0, 3).map(([clientId]) => clientId),
      ['c', 'left', 'again'],
    )
    wills.set('left', null)
    wills.set('again', willOf('this one'))
    await wills.stored()
    await wire.api('STREAM.PURGE.filler')
    await until(async () => {
      const { state } = await wire.api<{ state: { messages: number } }>(
        `STREAM.INFO.${there.name}_W`,
      )
      return state.messages === 2
    })
    assert.deepEqual((await saidOf(there)).sort(), ['again: this one', 'c: kept'])
  })

  test('a will that is larger than one may be is named once, and not tried again', async (context) => {
    const there = await place(context, nats.urls, 1)
    const { name, wire, wills, refused } = there
    const { config } = await wire.api<{ config: object }>(`STREAM.INFO.${name}_W`)
    await wire.api(`STREAM.UPDATE.${name}_W`, { ...config, max_msg_size: 1000 })
    wills.set('large', willOf('x'.repeat(2000)))
    wills.set('huge', willOf('x'.repeat(9_000_000)))
    wills.set('c', willOf('kept'))
    await wills.stored()
    assert.deepEqual(refused.sort(), [
      ['huge', true],
      ['large', true],
    ])
    assert.deepEqual(await saidOf(there), ['c: kept'])
  })

  test('a will that is taken back is forgotten at once, one that may be on its way when that is stored', async (context) => {
    // As of a node whose disk is full.
    const never = new Promise<void>(() => {})
    const there = await place(context, nats.urls, 1, () => never)
    const { name, wire, wills } = there
    wills.set('said', willOf('on its way'))
    wills.set('left', willOf('not wanted any more'))
    await wills.stored()
    wills.set('said', null)
    wills.set('left', 'unwanted')
    await until(async () => (await there.left.find('left')) === null)
    const { state } = await wire.api<{ state: { messages: number } }>(`STREAM.INFO.${name}_W`)
    assert.equal(state.messages, 1)
  })

  test('of two that come upon a will at once one says it, and who comes later if that one has died', async (context) => {
    const there = await place(context, nats.urls, 1)
    const { name, wire, wills, said } = there
    wills.set('c', willOf('said'))
    await wills.stored()
    const found = await there.left.find('c')
    assert.ok(found)
    const places = await Promise.all([there.left.say(found), there.leftFor('c').say(found)])
    assert.deepEqual(said, ['c: said'])
    assert.equal(places.filter((place) => place === 0).length, 1)
    // It had not forgotten it.
    said.splice(0)
    assert.deepEqual(await saidOf(there), ['c: said'])
    await until(async () => {
      const { state } = await wire.api<{ state: { messages: number } }>(`STREAM.INFO.${name}_W`)
      return state.messages === 0
    })
  })

  test('a node that comes upon a will twice says it once', async (context) => {
    // Where there are several, a server that is asked twice by the same number says that it has stored it.
    const several = await startNats(3)
    context.after(() => several.stop())
    const { wills, left, said } = await place(context, several.urls, 3)
    await wills.set('c', willOf('said'))
    const found = await left.find('c')
    assert.ok(found)
    // The lease has ended, which those are told who look for all that is left, and who have the client back.
    const places = await Promise.all([left.say(found), left.say(found)])
    assert.deepEqual(said, ['c: said'])
    await left.erase(Math.max(...places))
    assert.equal(await left.say(found), 0)
    assert.deepEqual(said, ['c: said'])
  })

  test('a will is said whose taking a server has stored and not answered', async (context) => {
    const there = await place(context, nats.urls, 1)
    const { wire, wills, left, said } = there
    await wills.set('c', willOf('said'))
    const found = await left.find('c')
    assert.ok(found)
    const put = wire.put.bind(wire)
    wire.put = async (...what) => {
      wire.put = put
      await put(...what)
      return { kind: 'unanswered', code: 0, text: 'the answer is lost' }
    }
    const sequence = await left.say(found)
    assert.deepEqual(said, ['c: said'])
    assert.equal(sequence, (await left.find('c'))?.sequence)
  })

  test(
    'who is back while there is no room for what it left the last time is let in',
    { timeout: testMsMax },
    async (context) => {
      const full = await startNats(1, '"2m", max_file_store: 4MB')
      context.after(() => full.stop())
      let peers: ClusterPeers | undefined
      const { node, door } = await stageOn(full, context).join('a', {}, (joining) => {
        peers = new ClusterPeers(joining)
        peers.start(NOBODY)
      })
      const leave = (text: string) =>
        new Promise<void>((done) => peers?.will('c', willOf(text), done))
      await leave('on its way')
      await fill(node.wire)
      door.store.saveRetained('t', messageOf('t', 'x'.repeat(FILL_BYTES)))
      peers?.will('c', null)
      await leave('next')
    },
  )

  test('a connection that ends while a will is looked for ends nothing else', async (context) => {
    const there = await place(context, nats.urls, 1)
    const { name, wire, leftFor } = there
    await there.wills.set('c', willOf('of another node'))
    const left = leftFor('b')
    const find = left.find.bind(left)
    left.find = (clientId) => {
      const found = find(clientId)
      void wire.cut()
      return found
    }
    const isGone = () => Promise.resolve(false)
    const wills = new Wills(wire, { name, node: 'b', run: 'run' }, left, isGone, () => {})
    // What nobody catches ends the process.
    await wills.set('c', willOf('of this one'))
    assert.ok(wire.isClosed)
  })

  test('a session stays with the node that has been started again and has its client back', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
    await a.door.claim('c')
    a.door.store.saveSession({ ...recordOf('c'), disconnectedAtMs: -1, will: null })
    await a.door.commit()
    await b.node.sessionsUntil(a.node.writer.lastRow)
    const will = { ...willOf('late'), delaySeconds: 3600 }
    const found = { clientId: 'c', node: 'a', run: 'earlier', will, sequence: 1 }
    assert.deepEqual(await restWills(b.node, [found]), [])
    // Whose delay is over, and whose client came back behind that.
    const over = { ...found, will: willOf('over') }
    assert.deepEqual(await restWills(b.node, [over]), [over])
    await a.node.refresh()
    const { owner, record } = a.node.table.get('c')?.row ?? {}
    assert.deepEqual([owner, record?.will], ['a', null])
  })

  test('a will whose delay a clean start ends is said, its session having been let go for a dead node', async (context) => {
    const stage = nats.stage(context)
    const { cluster } = stage
    const said: string[] = []
    const orphaned = (clientId: string) => void said.push(clientId)
    const { node, door } = await stage.join('a', {}, (joining) =>
      new ClusterPeers(joining).start({ ...NOBODY, orphaned }),
    )
    for (const clientId of ['resumed', 'started']) {
      await door.claim(clientId)
      door.store.saveSession({ ...recordOf(clientId), disconnectedAtMs: -1, will: null })
      door.store.unclaim(clientId)
      await door.commit()
      const will = { ...willOf(clientId), delaySeconds: 3600 }
      const left = writeLeftWill({ clientId, node: 'dead', run: 'dead', will })
      await node.wire.put(`${cluster}.w.${tokenFor(clientId)}`, left)
      await door.claim(clientId, clientId === 'started')
    }
    assert.deepEqual(said, ['started'])
  })

  test('a will that is replaced by one that is not taken is not said any more', async (context) => {
    const there = await place(context, nats.urls, 1)
    const { name, wire, wills, refused } = there
    const { config } = await wire.api<{ config: object }>(`STREAM.INFO.${name}_W`)
    for (const clientId of ['left', 'large']) wills.set(clientId, willOf('stored'))
    await wills.stored()
    await wire.api(`STREAM.UPDATE.${name}_W`, { ...config, max_msg_size: 1000 })
    wills.set('large', willOf('x'.repeat(2000)))
    await until(() => refused.length === 1)
    // Only what is refused for now.
    await wire.api(`STREAM.UPDATE.${name}_W`, { ...config, max_bytes: 1, discard: 'new' })
    wills.set('left', willOf('refused for now'))
    await wills.stored()
    wills.set('left', null)
    await wills.stored()
    const { state } = await wire.api<{ state: { messages: number } }>(`STREAM.INFO.${name}_W`)
    assert.deepEqual(
      [state.messages, refused],
      [
        0,
        [
          ['large', true],
          ['left', false],
        ],
      ],
    )
  })
})
