/** The model of what a cluster needs: its arithmetic, and that the pages say what it says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readMeasured } from '../../bench/cluster-model/measured.ts'
import { workOf } from '../../bench/cluster-model/model.ts'
import { PAGES } from '../../bench/cluster-model/page.ts'
import { LIMITS, PROFILES } from '../../bench/cluster-model/profiles.ts'
import { pageOf, readConstants, results } from '../../bench/cluster-model/results.ts'
import { sizeOf } from '../../bench/cluster-model/size.ts'
import { batchEnds, simulateSuback } from '../../bench/cluster-model/suback.ts'

const { constants } = readConstants()
/** Of predictions against what was measured, on a machine with other work: of half of them, and as a factor of each. */
const ERROR_MEDIAN_MOST = 0.35
const FACTOR_MOST = 8
const IDLE = { share: 0, jobUs: 0 }
const TIMES = {
  hopUs: 100,
  networkUs: 0,
  syncUs: 0,
  subscribeUs: 10,
  rowUs: 10,
  questionUs: 10,
}
const LOAD = {
  nodes: 3,
  node: IDLE,
  server: IDLE,
  servers: 3,
  writes: 0,
  otherWrites: 0,
  subscribes: 10,
}

describe('the model of a cluster', () => {
  for (const profile of PROFILES) {
    it(`more clients never need fewer cells, nor fewer nodes in as many: ${profile.name}`, () => {
      let last = sizeOf(constants, profile, LIMITS, 1000)
      for (let clients = 2000; clients < 2e7; clients *= 1.5) {
        const size = sizeOf(constants, profile, LIMITS, clients)
        assert.ok(size.cells >= last.cells, `${clients}: ${size.cells} cells`)
        if (size.cells === last.cells) {
          assert.ok(size.nodes >= last.nodes, `${clients}: ${size.nodes} nodes`)
          assert.ok(size.servers >= last.servers, `${clients}: ${size.servers} servers`)
        }
        last = size
      }
    })

    it(`what all nodes do together is their work: ${profile.name}`, () => {
      const size = sizeOf(constants, profile, LIMITS, 1e6)
      const work = workOf(constants, profile, 1e6 / size.cells, size.nodes)
      const close = (a: number, b: number): void => assert.ok(Math.abs(a / b - 1) < 1e-9)
      close(size.nodeShare * size.nodes, work.nodes)
      close(size.serverShare * size.servers * LIMITS.serverCores, work.servers)
      assert.ok(size.busiestShare >= size.nodeShare - 1e-9)
      assert.ok(size.busiestShare <= LIMITS.shareMax)
    })
  }

  it('pings and idle processes are all the work of clients that do nothing else', () => {
    const idle = { ...PROFILES[0], messages: 0, reconnects: 0, keepAliveSeconds: 10 }
    const { nodes, servers } = workOf(constants, idle, 1000, 4)
    const expectedUs = 4 * constants.idle.node + 100 * constants.pingHome
    assert.equal(Math.round(nodes * 1e6), Math.round(expectedUs))
    assert.equal(Math.round(servers * 1e6), Math.round(constants.idle.nats))
  })

  it('one batch at a time takes all that came before it starts', () => {
    assert.deepEqual([...batchEnds([0, 1, 2, 30], () => 10)], [10, 20, 20, 40])
  })

  it('a SUBSCRIBE without other load takes the hops of the commit and of the barrier', () => {
    const { p50Us, p99Us } = simulateSuback({ ...LOAD, servers: 1 }, TIMES)
    // To the server and back, the replica; to the other node and back by way of the server.
    const hops = 2 + 2 + 4
    assert.ok(p50Us > hops * TIMES.hopUs && p50Us < (hops + 1) * TIMES.hopUs, `${p50Us}`)
    assert.ok(p99Us < (hops + 3) * TIMES.hopUs, `${p99Us}`)
  })

  it('SUBACK takes longer with more nodes, more writes, busier loops', () => {
    const quiet = simulateSuback(LOAD, TIMES).p50Us
    const busy = { share: 0.6, jobUs: 200 }
    for (const more of [{ nodes: 20 }, { writes: 2000 }, { otherWrites: 2000 }, { node: busy }])
      assert.ok(simulateSuback({ ...LOAD, ...more }, TIMES).p50Us > quiet, JSON.stringify(more))
    assert.throws(
      () => simulateSuback({ ...LOAD, node: { share: 1, jobUs: 1 } }, TIMES),
      RangeError,
    )
  })

  it('says the same every time, comes near what was measured, and the pages show it', () => {
    const found = results()
    assert.deepEqual(found, results())
    assert.ok(found.checked.length >= 3)
    const ratios = found.checked.map(({ predicted, measured }) => predicted / measured)
    const errors = ratios.map((ratio) => Math.abs(ratio - 1)).sort((a, b) => a - b)
    assert.ok(errors[errors.length >> 1] < ERROR_MEDIAN_MOST, errors.join(' '))
    for (const ratio of ratios)
      assert.ok(ratio < FACTOR_MOST && ratio > 1 / FACTOR_MOST, `${ratio}`)
    for (const language of ['en', 'zh'] as const) {
      const page = PAGES[language]
      assert.ok(
        readFileSync(page, 'utf8') === pageOf(page, language, found),
        `${page} is stale: npm run cluster:model -- --write`,
      )
    }
  })

  it('reads what cluster:measure prints', () => {
    const text = [
      '| 20 sessions, 5 messages each | s | sessions/s | CPU µs a session |',
      '| made, messages queued | 6.3 | 475 | n0 1, n1 2, n2 3, b0 10, b1 20, b2 30 |',
      '| resumed at another node, messages taken | 5.3 | 563 | n0 4, n1 5, n2 6, b0 10, b1 70, b2 30 |',
      '| memory | MiB before | with 20 sessions | bytes a session | in the end |',
      '| n0 | 23 | 66 | 100 | 94 |',
      '| b0 | 61 | 138 | 900 | 86 |',
      '| b1 | 61 | 77 | 300 | 166 |',
      '| QoS 1 to durable sessions, messages/s | 18639 | 13399 | 1.39 |',
    ].join('\n')
    const when = '2026-11-28T00:00:00.000Z'
    assert.deepEqual(readMeasured(text, when), {
      sessions: [
        {
          sessions: 20,
          when,
          madeNodes: 60,
          madeNats: 6,
          resumedHome: 70,
          resumedOther: 20,
          resumedNats: 15,
          bytesNode: 300,
          bytesServer: 100,
        },
      ],
      rates: [{ when, rate: 18639 }],
      probes: [],
    })
    assert.throws(() => readMeasured('npm error', when), /neither/)
  })
})
