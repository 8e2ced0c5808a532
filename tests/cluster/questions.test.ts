/** What nodes ask of each other, where something comes between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overNats } from './support/stage.ts'

overNats('questions between nodes', (nats) => {
  test('what a node cannot put into an answer, or answers too late, ends nothing else', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
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

  test('of all that are asked those that answer are heard, and the others named, but for who serves nobody', async (context) => {
    const [a, ...others] = await nats
      .stage(context)
      .joinAll('a', 'told', 'older', 'failing', 'mute', 'joining')
    const [told, older, failing, mute] = others.map(({ node }) => node)
    told.questions.answerWith({ list: () => Promise.resolve([1]) })
    older.questions.answerWith({ other: () => Promise.resolve([2]) })
    failing.questions.answerWith({ list: () => Promise.reject(new Error('no')) })
    mute.questions.answerWith({ list: () => new Promise(() => {}) })
    const { questions } = a.node
    for (const { options } of [told, older, failing, mute])
      while ((await questions.askOne(options.node, 'other', []).catch(() => 'heard')) === null);
    assert.deepEqual(await questions.askAll('list', []), {
      answers: [{ node: 'told', value: [1] }],
      silent: ['failing', 'mute', 'older'],
    })
  })
})
