/** What nodes ask of each other, where something comes between. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { Door } from '../store/contract.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, newNode } from './nodes.ts'

let nats: NatsServers

async function open(cluster: string, name: string) {
  const node = newNode(nats.urls, cluster, name)
  const door = new Door({ store: () => new ClusterStore(node), dispose: async () => {} }, name)
  return { node, door: await door.open() }
}

if (skipNats !== false) test('questions between nodes', { skip: skipNats }, () => {})
else {
  before(async () => void (nats = await startNats()))
  after(() => nats.stop())

  test('what a node cannot put into an answer, or answers too late, ends nothing else', async (context) => {
    const cluster = newName()
    const [a, b] = await Promise.all(['a', 'b'].map((name) => open(cluster, name)))
    context.after(() => a.door.close())
    const rejections: unknown[] = []
    const note = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', note)
    context.after(() => process.off('unhandledRejection', note))
    let asked = (): void => {}
    let answer = (): void => {}
    const wasAsked = new Promise<void>((resolve) => (asked = resolve))
    const mayAnswer = new Promise<void>((resolve) => (answer = resolve))
    b.node.questions.answerWith({
      slow: async () => {
        asked()
        await mayAnswer
        return 1
      },
      odd: () => Promise.resolve(1n),
    })
    // The servers may not know yet that it listens.
    const odd = async (): Promise<void> => {
      while ((await a.node.questions.askOne('b', 'odd', [])) === null);
    }
    await assert.rejects(odd(), /node b: .*BigInt/)
    const answered = a.node.questions.askOne('b', 'slow', [])
    await wasAsked
    await b.door.close()
    answer()
    assert.equal(await answered, null)
    assert.deepEqual(rejections, [])
  })
}
