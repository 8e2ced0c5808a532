/**
 * What the core relies on in Peers, as tests: every implementation runs the same ones.
 *
 * Invariants: no event comes within a call; what one node did for another arrives in that order; behind `barrier` every other
 * node knows; a client id is one node's.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerClaim } from '../../src/ports/peers.ts'
import { contentOf } from '../store/told.ts'
import {
  message,
  PeerNode,
  Stage,
  type Check,
  type PeersSetup,
  type PeersTraits,
} from './peer-node.ts'
import { publishContract } from './publish-contract.ts'

const claimOf = (clientId: string, username: string | null = null): PeerClaim => ({
  clientId,
  username,
  cleanStart: true,
  isFull: false,
})

export function peersContract(
  name: string,
  makeSetup: () => Promise<PeersSetup>,
  traits: PeersTraits = {},
): void {
  const check = (
    what: string,
    run: (stage: Stage) => Promise<void>,
    names: readonly string[] = ['a', 'b', 'c'],
  ): void =>
    void test(`${name}: ${what}`, async () => {
      const setup = await makeSetup()
      try {
        const nodes = []
        for (const node of names) nodes.push(new PeerNode(node, await setup.join(node)))
        await run(new Stage(setup, nodes))
      } finally {
        await setup.dispose()
      }
    })
  interestContract(check)
  publishContract(check, traits)
  claimContract(check)
  leaveContract(check, traits)
}

function interestContract(check: Check): void {
  check(
    'behind a barrier every other node knows what is wanted, and nobody else',
    async (stage) => {
      const [a, b, c] = stage.nodes
      b.want('x/+')
      b.want('y', 0, 1)
      await stage.barrier(b)
      for (const other of [a, c]) {
        assert.ok(other.mask('x/+') !== 0)
        assert.deepEqual(
          [other.wanted.get('/y')?.always, other.wanted.get('/y')?.qos0 !== 0],
          [0, true],
        )
      }
      assert.equal(b.wanted.size, 0)
    },
  )

  check('what nobody wants any more is said so', async (stage) => {
    const [a, b, c] = stage.nodes
    b.want('x')
    c.want('x')
    b.want('x', 0)
    await stage.barrier(b)
    await stage.barrier(c)
    assert.ok(a.mask('x') !== 0)
    assert.equal(c.mask('x'), 0)
    c.want('x', 0)
    await stage.barrier(c)
    assert.equal(a.mask('x'), 0)
  })

  check(
    'who joins later learns what is wanted',
    async (stage) => {
      const [a] = stage.nodes
      a.want('x')
      a.want('w', 2, 0, 'g')
      await stage.setup.settle()
      const late = new PeerNode('late', await stage.setup.join('late'))
      await stage.setup.until(() => late.mask('x') !== 0 && late.wanted.has('g/w'))
      assert.equal(late.wanted.get('g/w')?.members, 2)
    },
    ['a'],
  )

  check('barriers end in their order, of several nodes at once too', async (stage) => {
    const ends: string[] = []
    for (let round = 0; round < 10; round++)
      for (const { name, peers } of stage.nodes)
        peers.barrier(() => void ends.push(`${name} ${round}`))
    await stage.setup.until(() => ends.length === 30)
    for (const { name } of stage.nodes) {
      const own = ends.filter((end) => end.startsWith(name))
      assert.deepEqual(
        own,
        own.map((_end, round) => `${name} ${round}`),
      )
    }
  })

  check(
    'a node alone passes its barriers',
    async (stage) => {
      await stage.barrier(stage.nodes[0])
      assert.equal(await stage.claim(stage.nodes[0], claimOf('id')), true)
    },
    ['a'],
  )
}

function claimContract(check: Check): void {
  check('a client that connects elsewhere is let go first', async (stage) => {
    const [a, b, c] = stage.nodes
    assert.equal(await stage.claim(a, claimOf('id', 'user')), true)
    a.answer = null
    let granted = false
    b.peers.claim(claimOf('id', 'user'), () => (granted = true))
    await stage.setup.until(() => a.kicked.length > 0)
    await stage.setup.settle()
    assert.equal(granted, false)
    assert.deepEqual(a.kicked, [claimOf('id', 'user')])
    a.answer = () => true
    a.answerKicks()
    await stage.setup.until(() => granted)
    assert.equal(await stage.claim(c, claimOf('id', 'user')), true)
    assert.equal(a.kicked.length + b.kicked.length >= 2, true)
  })

  check(
    'whoever lets a client go says whether that had a place, and what is asked says for whom',
    async (stage) => {
      const [a, b, c] = stage.nodes
      await stage.claim(a, claimOf('id'))
      for (const [had, to, from] of [
        [true, b, a],
        [false, c, b],
        [true, a, c],
      ] as const) {
        from.had = had
        const claim = { ...claimOf('id'), isFull: had }
        let got: boolean | undefined
        to.peers.claim(claim, (_granted, its) => (got = its))
        await stage.setup.until(() => got !== undefined)
        assert.equal(got, had)
        assert.deepEqual(from.kicked.at(-1), claim)
      }
    },
  )

  check('another user’s client stays', async (stage) => {
    const [a, b] = stage.nodes
    await stage.claim(a, claimOf('id', 'alice'))
    a.answer = ({ username }) => username === 'alice'
    assert.equal(await stage.claim(b, claimOf('id', 'mallory')), false)
    assert.equal(await stage.claim(b, claimOf('id', 'alice')), true)
  })

  check('of two that claim at once one has it in the end', async (stage) => {
    for (let round = 0; round < 20; round++) {
      const [a, b] = stage.nodes
      const id = `id ${round}`
      let answers = 0
      a.peers.claim(claimOf(id), () => answers++)
      b.peers.claim(claimOf(id), () => answers++)
      await stage.setup.until(() => answers === 2)
      await stage.setup.settle()
      const kicks = [...a.kicked, ...b.kicked].filter(({ clientId }) => clientId === id)
      assert.equal(kicks.length, 1)
    }
  })

  check('two that claim at once do not get another user’s client', async (stage) => {
    const [a, b, c] = stage.nodes
    c.answer = ({ username }) => username === 'alice'
    for (let round = 0; round < 20; round++) {
      const id = `id ${round}`
      await stage.claim(c, claimOf(id, 'alice'))
      const mallory = claimOf(id, 'mallory')
      assert.deepEqual(await Promise.all([stage.claim(a, mallory), stage.claim(b, mallory)]), [
        false,
        false,
      ])
    }
  })

  check('two that claim at once wait until a third one has let go', async (stage) => {
    const [a, b, c] = stage.nodes
    await stage.claim(c, claimOf('id'))
    c.answer = null
    let answers = 0
    a.peers.claim(claimOf('id'), () => answers++)
    b.peers.claim(claimOf('id'), () => answers++)
    await stage.setup.until(() => c.kicked.length > 0)
    await stage.setup.settle()
    assert.equal(answers, 0)
    c.answer = () => true
    c.answerKicks()
    await stage.setup.until(() => answers === 2)
    await stage.setup.settle()
    assert.equal(a.kicked.length + b.kicked.length, 1)
  })

  check('the same node claims again without being kicked', async (stage) => {
    const [a] = stage.nodes
    await stage.claim(a, claimOf('id'))
    a.peers.unclaim('id')
    await stage.claim(a, claimOf('id'))
    await stage.claim(a, claimOf('id'))
    assert.equal(a.kicked.length, 0)
  })

  check(
    'the node that the store names is asked, and a node that is not there does not answer',
    async (stage) => {
      const [a, b] = stage.nodes
      let kicks = 0
      b.peers.kick('a', claimOf('id'), () => kicks++)
      await stage.setup.until(() => kicks === 1)
      assert.equal(a.kicked.length, 1)
      b.peers.kick('nobody', claimOf('id'), () => kicks++)
      await stage.setup.until(() => kicks === 2)
    },
  )
}

function leaveContract(check: Check, { diesAlone = true }: PeersTraits): void {
  check('what a node wanted goes with it, and nobody waits for it', async (stage) => {
    const [a, b, c] = stage.nodes
    b.want('x')
    await stage.barrier(b)
    await stage.claim(b, claimOf('id'))
    b.answer = null
    let granted = false
    c.peers.claim(claimOf('id'), () => (granted = true))
    await stage.setup.until(() => b.kicked.length > 0)
    await stage.setup.leave('b')
    await stage.setup.until(() => a.mask('x') === 0 && granted)
    await stage.barrier(a)
  })

  if (diesAlone)
    check('what its clients left to be said is said by one', async (stage) => {
      const [a, b, c] = stage.nodes
      const will = {
        message: message('gone', 'bye'),
        delaySeconds: 3,
        username: 'user',
        remote: '192.0.2.1:5',
        origin: '1883',
      }
      b.peers.will('id', will)
      b.peers.will('other', will)
      b.peers.will('other', null)
      await stage.barrier(b)
      await stage.setup.leave('b')
      await stage.setup.until(() => a.orphaned.length + c.orphaned.length > 0)
      await stage.setup.settle()
      const all = [...a.orphaned, ...c.orphaned]
      assert.equal(all.length, 1)
      const [clientId, left] = all[0]
      assert.deepEqual(contentOf(left.message), contentOf(will.message))
      assert.ok([0, will.delaySeconds].includes(left.delaySeconds), 'no session waits with it')
      const rest = { message: null, delaySeconds: 0 }
      assert.deepEqual([clientId, { ...left, ...rest }], ['id', { ...will, ...rest }])
    })

  check('clean sessions of the others are counted', async (stage) => {
    const [a, b, c] = stage.nodes
    b.peers.cleanSessions(3)
    c.peers.cleanSessions(4)
    await stage.barrier(b)
    await stage.barrier(c)
    await stage.setup.until(() => a.peers.cleanSessions(1) === 7)
  })
}
