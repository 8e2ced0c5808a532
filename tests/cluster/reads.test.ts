/** What is read of a stream is all of it: a connection that is lost amid an answer, servers that are behind, or stand still. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg } from '@nats-io/transport-node'
import type { Wire } from '../../src/cluster/wire.ts'
import { textOf } from '../store/told.ts'
import { recordOf } from '../store/door.ts'
import { testMsMax } from '../support/patience.ts'
import { startNats } from './nats-servers.ts'
import { overNats, stageOn, until, type Place, type Stage } from './support/stage.ts'

const ENTRIES = 30
/** Longer than a question waits for its answer. */
const FROZEN_MS = 6000

/** What the answers to questions go through. */
interface Answering {
  answered(message: Msg): void
}

/** The next batch of such entries that comes lacks some: they were sent while the connection was away. */
function loseOfBatch(
  wire: Wire,
  letter: string,
  isLost: (at: number) => boolean,
): { count(): number } {
  const answering = wire as unknown as Answering
  const pass = answering.answered.bind(wire)
  let reply = ''
  let at = 0
  let lost = 0
  answering.answered = (message) => {
    const subject = message.headers?.get('Nats-Subject') ?? ''
    const isEntry = subject.split('.')[1] === letter
    if (isEntry && reply === '') reply = message.subject
    if (message.subject === reply && isEntry && isLost(at++)) lost++
    else pass(message)
  }
  return { count: () => lost }
}

/** Each question from the `at`th on finds a server that stands still for a while. */
function freezeAt(
  { node: { wire } }: Place,
  at: number,
  freeze: (isFrozen: boolean) => void,
): void {
  const { nc } = wire
  const publish = nc.publish.bind(nc)
  let count = 0
  nc.publish = (...args) => {
    if (count++ === at) {
      freeze(true)
      setTimeout(() => freeze(false), FROZEN_MS)
    }
    publish(...args)
  }
}

/** Node a has had a client, which is away, and messages for it. */
async function leaveQueue(stage: Stage, count = ENTRIES): Promise<Place[]> {
  const places = await stage.joinAll('a', 'b')
  const [{ door, node }, b] = places
  await door.claim('c')
  door.store.saveSession(recordOf('c'))
  door.store.unclaim('c', 0)
  await door.commit()
  for (let at = 0; at < count; at++) door.append('c', at + 1, `${at}`)
  await door.commit()
  await b.node.sessionsUntil(node.writer.lastRow)
  return places
}

const texts = (count = ENTRIES): string[] => Array.from({ length: count }, (_, at) => `${at}`)

async function readTexts({ door }: Place, limit: number): Promise<string[]> {
  return (await door.readAll('c', limit)).map(({ message }) => textOf(message))
}

overNats('what is read of a stream', (nats) => {
  for (const [which, isLost] of [
    ['from the first on', (at: number) => at < 3],
    ['in the middle', (at: number) => at > 4 && at < 9],
    ['up to the last', (at: number) => at > 20],
  ] as const)
    test(`entries of a batch that were lost ${which} are read again: of a queue`, async (context) => {
      const [, b] = await leaveQueue(nats.stage(context))
      const lost = loseOfBatch(b.node.wire, 'q', isLost)
      const { session } = await b.door.claim('c')
      assert.equal(session?.queuedCount, ENTRIES)
      assert.deepEqual(await readTexts(b, 7), texts())
      assert.ok(lost.count() > 0)
    })

  test('entries of a batch that were lost are read again: of what all nodes know', async (context) => {
    const stage = nats.stage(context)
    const [a] = await leaveQueue(stage, 1)
    for (let at = 0; at < ENTRIES; at++) {
      await a.door.claim(`more ${at}`)
      a.door.store.saveSession(recordOf(`more ${at}`))
    }
    await a.door.commit()
    let lost = { count: () => 0 }
    const late = await stage.join('late', {
      connect: async () => {
        const wire = await a.node.options.connect()
        lost = loseOfBatch(wire, 's', (at) => at > 4 && at < 9)
        return wire
      },
    })
    assert.ok(lost.count() > 0)
    assert.equal(late.node.table.sessions.size, ENTRIES + 1)
  })

  test('a leader that does not know yet that it is none any more is not believed that nothing is there', async (context) => {
    const [a, b] = await leaveQueue(nats.stage(context), 0)
    await b.door.claim('c')
    const local = b.node.table.get('c')?.local
    assert.ok(local)
    // Its copy is lost.
    Object.assign(local, { copied() {} })
    const { wire } = b.node
    const { readSome, request } = wire
    wire.readSome = () => Promise.resolve([])
    let isStale = true
    wire.request = async (subject, data, timeoutMs) => {
      const answer = await request.call(wire, subject, data, timeoutMs)
      if (!isStale || answer === null) return answer
      const old = { error: { err_code: 10_037 }, state: { last_seq: 0 } }
      if (subject.includes('MSG.GET')) return { ...answer, data: bytesOf({ error: old.error }) }
      if (!subject.includes('STREAM.INFO')) return answer
      isStale = false
      Object.assign(wire, { readSome })
      return { ...answer, data: bytesOf({ state: old.state }) }
    }
    a.door.append('c', 1, 'told')
    await a.door.commit()
    const last = await b.node.wire.lastOf(local.place.stream, [local.place.subject])
    await local.hear(last[0].sequence)
    await until(() => b.door.told.all('arrived').length === 1)
  })

  test(
    'a server that stands still amid a claim, or between two pages, holds it up, and that is all',
    { timeout: testMsMax },
    async () => {
      // The row; the end of the queue and the exchanges; what is in the queue; the next page.
      await Promise.all([0, 1, 2, 3, 4].map(assertFrozenAt))
    },
  )
})

async function assertFrozenAt(at: number): Promise<void> {
  const alone = await startNats()
  const ends: (() => unknown)[] = [() => alone.stop()]
  try {
    const context = { after: (end: () => unknown) => void ends.unshift(end) }
    const stage = stageOn(alone, context as never)
    const [a, b] = await leaveQueue(stage)
    freezeAt(b, at, (isFrozen) => alone.servers[0].freeze(isFrozen))
    const { session } = await b.door.claim('c')
    assert.deepEqual([session?.record.clientId, session?.queuedCount], ['c', ENTRIES])
    a.door.append('c', ENTRIES + 1, `${ENTRIES}`)
    const read = await readTexts(b, 7)
    await a.door.commit()
    await until(() => read.length + b.door.told.all('arrived').length > ENTRIES)
    const told = b.door.told.all('arrived').map(([, { message }]) => textOf(message))
    assert.deepEqual([...read, ...told], texts(ENTRIES + 1))
    await sleep(0)
  } finally {
    for (const end of ends) await end()
  }
}

function bytesOf(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
