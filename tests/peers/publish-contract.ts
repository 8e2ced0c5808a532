/** Of what the core relies on in Peers (`contract.ts`): what becomes of messages. */
import assert from 'node:assert/strict'
import { contentOf } from '../store/told.ts'
import { message, type Check, type PeersTraits } from './peer-node.ts'

export function publishContract(check: Check, traits: PeersTraits): void {
  check('a message reaches the nodes that want it, whole, once, in order', async (stage) => {
    const [a, b, c] = stage.nodes
    b.want('x/#')
    await stage.barrier(b)
    const sent = Array.from({ length: 200 }, (_, index) => message('x/1', `${index}`))
    for (const one of sent) a.peers.publish(one, a.mask('x/#'), [])
    await stage.setup.until(() => b.got.length >= sent.length)
    await stage.setup.settle()
    assert.deepEqual(
      b.got.map(({ content }) => content),
      sent.map(contentOf),
    )
    assert.ok(b.got.every(({ plain, groups }) => plain && groups.length === 0))
    assert.deepEqual([a.got.length, c.got.length], [0, 0])
  })

  check('the bytes of a message are the publisher’s again at once', async (stage) => {
    const [a, b] = stage.nodes
    b.want('x')
    await stage.barrier(b)
    const borrowed = message('x', 'kept')
    borrowed.borrowed = true
    a.peers.publish(borrowed, a.mask('x'), [])
    borrowed.payload.fill(0)
    await stage.setup.until(() => b.got.length > 0)
    assert.deepEqual(b.texts, ['kept'])
  })

  check('a message of a mebibyte arrives, and an empty one', async (stage) => {
    const [a, b] = stage.nodes
    b.want('x')
    await stage.barrier(b)
    const large = 'ab'.repeat(512 * 1024)
    for (const text of [large, '', 'end']) a.peers.publish(message('x', text), a.mask('x'), [])
    await stage.setup.until(() => b.got.length === 3)
    assert.ok(b.texts[0] === large)
    assert.deepEqual(b.texts.slice(1), ['', 'end'])
  })

  check('of a shared group one node gets each message, each gets some', async (stage) => {
    const [a, b, c] = stage.nodes
    for (const member of [b, c]) {
      member.want('work', 1, 0, 'g')
      await stage.barrier(member)
    }
    assert.equal(a.wanted.get('g/work')?.members, 2)
    for (let index = 0; index < 60; index++)
      a.peers.publish(message('work', `${index}`), 0, ['g/work'])
    await stage.setup.until(() => b.got.length + c.got.length >= 60)
    await stage.setup.settle()
    const all = [...b.texts, ...c.texts]
    assert.equal(new Set(all).size, 60)
    assert.equal(all.length, 60)
    for (const { plain, groups } of [...b.got, ...c.got])
      assert.deepEqual([plain, groups], [false, ['g/work']])
    if (traits.fair === true) assert.equal(b.got.length, 30)
    else assert.ok(b.got.length > 0 && c.got.length > 0)
  })

  if (traits.fair === true)
    check('of a shared group a node with more members gets more of the messages', async (stage) => {
      const [a, b, c] = stage.nodes
      b.want('work', 2, 0, 'g')
      c.want('work', 1, 3, 'g')
      await stage.barrier(b)
      await stage.barrier(c)
      for (let index = 0; index < 60; index++)
        a.peers.publish(message('work', `${index}`), 0, ['g/work'])
      await stage.setup.until(() => b.got.length + c.got.length >= 60)
      assert.deepEqual([b.got.length, c.got.length], [40, 20])
      for (let index = 0; index < 60; index++)
        a.peers.publish(message('work', `${index}`, 0), 0, ['g/work'])
      await stage.setup.until(() => b.got.length + c.got.length >= 120)
      assert.deepEqual([b.got.length, c.got.length], [60, 60])
    })

  if (traits.isAhead === true)
    check(
      'of a shared group that nobody else is in any more a message comes back',
      async (stage) => {
        const [a, b, c] = stage.nodes
        for (const member of [a, b]) {
          member.want('work', 1, 0, 'g')
          await stage.barrier(member)
        }
        b.want('work', 0, 0, 'g')
        await stage.barrier(b)
        for (const node of [a, c]) node.peers.publish(message('work', node.name), 0, ['g/work'])
        await stage.setup.until(() => a.got.length === 2)
        a.want('work', 0, 0, 'g')
        await stage.barrier(a)
        // One that is away may be in it still.
        for (const node of [a, c]) node.peers.publish(message('work', 'back'), 0, ['g/work'])
        await stage.setup.until(() => a.got.length === 3 && c.got.length === 1)
        assert.deepEqual([a.texts.sort(), c.texts], [['a', 'back', 'c'], ['back']])
        for (const { plain, groups } of [...a.got, ...c.got])
          assert.deepEqual([plain, groups], [false, ['g/work']])
        assert.deepEqual(b.got, [])
      },
    )

  check('a node that wants it itself and for a group gets it once', async (stage) => {
    const [a, b, c] = stage.nodes
    b.want('work')
    b.want('work', 1, 0, 'g')
    c.want('work')
    await stage.barrier(b)
    await stage.barrier(c)
    a.peers.publish(message('work', 'one'), a.mask('work'), ['g/work'])
    await stage.setup.until(() => b.got.length > 0 && c.got.length > 0)
    await stage.setup.settle()
    assert.deepEqual(
      [...b.got, ...c.got].map(({ plain, groups }) => [plain, groups]),
      [
        [true, ['g/work']],
        [true, []],
      ],
    )
  })
}
