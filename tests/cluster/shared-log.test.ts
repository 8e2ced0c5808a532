/** Lines that all nodes have: where answers of NATS are lost, nodes die amid a change, and others are far behind. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { linesOf } from '../../src/cluster/lines.ts'
import { SharedLog } from '../../src/cluster/shared-log.ts'
import { tokenFor } from '../../src/cluster/tokens.ts'
import { isFailure } from '../../src/cluster/wire.ts'
import { overNats, until, type Stage } from './support/stage.ts'

/** More than a log has before it is long. */
const CHANGES = 70
const GUARD = 'Nats-Expected-Last-Subject-Sequence'

/** A node, its log, and the lines that it has read or written. */
class Reader {
  readonly node: ClusterNode
  readonly log: SharedLog
  lines: string[] = []
  anew = 0

  constructor(node: ClusterNode) {
    const { wire, options, membership, records } = node
    this.node = node
    this.log = new SharedLog(wire, options, membership, records, 'key')
  }

  async follow(): Promise<this> {
    await this.node.records.refresh()
    while (this.log.at < this.log.heard) {
      const { isAnew, lines } = await this.log.read()
      if (isAnew) this.anew++
      this.lines = [...(isAnew ? [] : this.lines), ...linesOf(lines)]
    }
    return this
  }

  async add(...lines: string[]): Promise<boolean> {
    const isMade = await this.log.append(lines.map((line) => `${line}\n`))
    if (isMade) this.lines.push(...lines)
    return isMade
  }

  settle(): Promise<void> {
    return this.log.settle(this.lines.map((line) => `${line}\n`))
  }

  /** All parts that there are. */
  async parts(): Promise<string[]> {
    const filter = { subjects_filter: `${this.node.options.name}.k.*.*.*` }
    const { state } = await this.node.wire.api<{ state: { subjects?: object } }>(
      `STREAM.INFO.${this.node.options.name}_K`,
      filter,
    )
    return Object.keys(state.subjects ?? {})
  }
}

async function readers(stage: Stage, ...names: string[]): Promise<Reader[]> {
  return (await stage.joinAll(...names)).map(({ node }) => new Reader(node))
}

/** The next writing of the record is taken, `meanwhile` happens, and its answer does not come. */
function loseAnswer({ node: { wire } }: Reader, meanwhile: () => Promise<void>): void {
  const put = wire.put.bind(wire)
  wire.put = async (subject, data, headers) => {
    const outcome = await put(subject, data, headers)
    if (headers?.[GUARD] === undefined) return outcome
    wire.put = put
    assert.ok(!isFailure(outcome))
    await meanwhile()
    return { kind: 'unanswered', code: 0, text: 'no server has answered' }
  }
}

/** The next writing of the record never leaves. */
function loseQuestion({ node: { wire } }: Reader): Promise<void> {
  const put = wire.put.bind(wire)
  return new Promise((resolve) => {
    wire.put = (subject, data, headers) => {
      if (headers?.[GUARD] === undefined) return put(subject, data, headers)
      resolve()
      return new Promise(() => {})
    }
  })
}

overNats('lines that all nodes have', (nats) => {
  const start = (context: TestContext, ...names: string[]) => readers(nats.stage(context), ...names)

  test('what one node adds all read, each once and in one order', async (context) => {
    const [a, b] = await start(context, 'a', 'b')
    assert.ok(await a.add('1', '2'))
    await b.follow()
    assert.ok(await b.add('3'))
    assert.equal(await a.add('lost'), false)
    await a.follow()
    assert.ok(await a.add('4'))
    assert.deepEqual((await b.follow()).lines, ['1', '2', '3', '4'])
    assert.deepEqual(a.lines, b.lines)
    assert.deepEqual([a.anew, b.anew], [0, 1])
  })

  test('lines longer than a part, and of any bytes, come back as they were', async (context) => {
    const [a, b] = await start(context, 'a', 'b')
    const lines = ['ö'.repeat(300_000), '', 'x'.repeat(262_143), '𝄞'.repeat(140_000)]
    assert.ok(await a.add(...lines))
    assert.deepEqual((await b.follow()).lines, lines)
  })

  test('an addition whose answer was lost is known to be made, with another one on top of it', async (context) => {
    const [a, b] = await start(context, 'a', 'b')
    assert.ok(await a.add('1'))
    await b.follow()
    loseAnswer(a, async () => {
      await b.follow()
      assert.ok(await b.add('3'))
    })
    assert.ok(await a.add('2'))
    assert.deepEqual((await a.follow()).lines, ['1', '2', '3'])
  })

  test('many changes become one base: who has read some of them reads the rest only', async (context) => {
    const [a, b, c] = await start(context, 'a', 'b', 'c')
    await a.add('first')
    await Promise.all([b.follow(), c.follow()])
    for (let at = 0; at < CHANGES; at++) {
      await a.add(`${at}`)
      if (at === 20) await b.follow()
    }
    assert.ok(a.log.isLong)
    const settled = a.settle()
    // Behind what the base is made of.
    while (!(await a.add('meanwhile'))) await a.follow()
    await settled
    assert.ok(!a.log.isLong)
    assert.deepEqual((await b.follow()).lines, a.lines)
    assert.equal(b.anew, 1)
    await a.follow()
    assert.ok(await a.add('behind'))
    await a.settle()
    await a.follow()
    assert.deepEqual((await c.follow()).lines, a.lines)
    // Two bases ago.
    assert.equal(c.anew, 2)
    await until(async () => (await a.parts()).length === 3)
  })

  test('of two that make a base at once one makes it, and nothing of the other stays', async (context) => {
    const [a, b] = await start(context, 'a', 'b')
    await a.add('1')
    await b.follow()
    await b.add('2')
    await a.follow()
    await Promise.all([a.settle(), b.settle()])
    assert.deepEqual((await a.follow()).lines, (await b.follow()).lines)
    // The base, and the change that is in it.
    await until(async () => (await a.parts()).length === 2)
    assert.ok(await a.add('3'))
    assert.deepEqual((await b.follow()).lines, ['1', '2', '3'])
  })

  test('parts of a node that died amid an addition are swept, and it is not made any more', async (context) => {
    const [a, b] = await start(context, 'a', 'b')
    await a.add('1')
    await b.follow()
    const atRecord = loseQuestion(b)
    void b.add('never').catch(() => {})
    await atRecord
    await a.log.sweep()
    assert.equal((await a.parts()).length, 2)
    const guard = String(b.log.heard)
    await b.node.membership.leave()
    await until(() => a.node.membership.others().length === 0)
    await a.log.sweep()
    await until(async () => (await a.parts()).length === 1)
    // What a server had kept of it comes now.
    const late = await a.node.wire.put(recordOf(a), new Uint8Array(1), { [GUARD]: guard })
    assert.ok(isFailure(late))
    await a.follow()
    assert.ok(await a.add('2'))
    assert.deepEqual(a.lines, ['1', '2'])
  })
})

function recordOf({ node }: Reader): string {
  return `${node.options.name}.k.${tokenFor('key')}`
}
