/** A text that all nodes have, where answers of NATS are lost. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { SharedText } from '../../src/cluster/shared-text.ts'
import { isFailure } from '../../src/cluster/wire.ts'
import { Door } from '../store/contract.ts'
import { waitMsMax } from '../support/patience.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

let nats: NatsServers

interface Place {
  readonly node: ClusterNode
  readonly text: SharedText
}

async function open(context: TestContext, cluster: string, name: string): Promise<Place> {
  const node = newNode(nats.urls, cluster, name)
  const door = new Door({ store: () => new ClusterStore(node), dispose: async () => {} }, name)
  await door.open()
  context.after(() => door.close())
  const { wire, options, membership, records } = node
  return { node, text: new SharedText(wire, options, membership, records, 'text') }
}

async function newest({ node, text }: Place): Promise<{ text: string; sequence: number }> {
  await node.records.refresh()
  return text.read()
}

/** The record that `place` writes next is taken, `meanwhile` happens, and its answer does not come. */
function loseAnswer({ node: { wire } }: Place, meanwhile: () => Promise<void>): void {
  const put = wire.put.bind(wire)
  wire.put = async (subject, data, headers) => {
    const outcome = await put(subject, data, headers)
    if (headers?.['Nats-Expected-Last-Subject-Sequence'] === undefined) return outcome
    wire.put = put
    assert.ok(!isFailure(outcome))
    await meanwhile()
    return { kind: 'unanswered', code: 0, text: 'no server has answered' }
  }
}

if (skipNats !== false) test('texts that all nodes have', { skip: skipNats }, () => {})
else {
  before(async () => void (nats = await startNats()))
  after(() => nats.stop())

  test(
    'a change whose answer was lost keeps its parts, for the next change has them too',
    { timeout: waitMsMax },
    async (context) => {
      const cluster = newName()
      const [a, b] = await Promise.all(['a', 'b'].map((name) => open(context, cluster, name)))
      // A part has 1024 lines, more or less: some are the same in both texts.
      const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at}\n`).join('')
      loseAnswer(a, async () => {
        const { text, sequence } = await newest(b)
        assert.equal(text, lines)
        assert.notEqual(await b.text.write(`${lines}one more\n`, sequence), null)
      })
      assert.equal(await a.text.write(lines, 0), null)
      const c = await open(context, cluster, 'c')
      const { text } = await newest(c)
      assert.equal(text, `${lines}one more\n`)
    },
  )
}
