/** Heartbeats are in the memory of the NATS servers: what nodes do that outlive them. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { LogType } from '../../src/base/log.ts'
import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import { pause } from '../../src/cluster/wire.ts'
import { testMsMax } from '../support/patience.ts'
import { skipNats, startNats } from './nats-servers.ts'
import { stageOn, until, type Stage } from './support/stage.ts'

const LEASE_MS = 8000
const LOOK_MS = 20
const WAITS = /This one waits \d+ s/

interface Servers {
  readonly stage: Stage
  restart(): Promise<void>
}

async function servers(context: TestContext): Promise<Servers> {
  const nats = await startNats(1, 'always')
  const stage = stageOn(nats, context)
  context.after(() => nats.stop())
  const [server] = nats.servers
  const restart = async (): Promise<void> => {
    await server.kill('SIGKILL')
    await server.start()
  }
  return { stage, restart }
}

/** A node that joins, whether its lease has ended since, and what it has said. */
async function joined({ stage }: Servers, name: string) {
  const seen = { isFenced: false, said: '' }
  const { node } = await stage.join(name, {
    leaseMs: LEASE_MS,
    log: { mask: LogType.warning, write: (_type, text) => void (seen.said += text) },
    onFenced: () => void (seen.isFenced = true),
  })
  return { node, seen }
}

/** When its lease ends or has ended, whenever that is looked at. */
const leaseEndMs = ({ membership }: ClusterNode): number =>
  performance.now() + membership.leaseLeftMs

const sees = ({ membership }: ClusterNode): string =>
  membership
    .others()
    .map(({ node }) => node)
    .sort()
    .join()

/** Of two nodes one was cut off, and NATS has restarted; `lateMs`: by how much the lease of the other one has gone on since. */
async function leftAlone(context: TestContext) {
  const there = await servers(context)
  const { node: a, seen } = await joined(there, 'a')
  const { node: b } = await joined(there, 'b')
  await until(() => sees(a) === 'b')
  await Promise.all([a, b].map(({ membership }) => membership.tellNow()))
  const endMs = leaseEndMs(a)
  await b.cut()
  await there.restart()
  return { there, seen, lateMs: () => leaseEndMs(a) - endMs }
}

// Each waits for leases most of the time, and has servers of its own.
describe('heartbeats', { skip: skipNats, concurrency: true }, () => {
  test(
    'nodes outlive the heartbeats of a NATS server that restarts, and do not lose each other out of sight',
    { timeout: testMsMax },
    async (context) => {
      const there = await servers(context)
      const all = [await joined(there, 'a'), await joined(there, 'b')]
      const [a, b] = all.map(({ node }) => node)
      await until(() => sees(a) === 'b' && sees(b) === 'a')
      await there.restart()
      for (const endMs = performance.now() + 1.5 * LEASE_MS; performance.now() < endMs;) {
        assert.equal(`${sees(a)} ${sees(b)}`, 'b a')
        assert.ok(all.every(({ seen }) => !seen.isFenced))
        await pause(LOOK_MS)
      }
      const { node: c } = await joined(there, 'c')
      assert.equal(sees(c), 'a,b')
      await until(() => sees(a) === 'b,c' && sees(b) === 'a,c')
    },
  )

  test(
    'who joins when heartbeats were lost waits for leases that nobody can tell of',
    { timeout: testMsMax },
    async (context) => {
      const there = await servers(context)
      const { node: a } = await joined(there, 'a')
      await a.membership.tellNow()
      const endMs = leaseEndMs(a)
      await a.cut()
      await there.restart()
      const { seen: waiting } = await joined(there, 'b')
      assert.ok(performance.now() > endMs, 'it waits')
      assert.match(waiting.said, WAITS)
      const { node: c, seen } = await joined(there, 'c')
      assert.doesNotMatch(seen.said, WAITS, 'it is known by then')
      assert.equal(sees(c), 'b')
    },
  )

  test(
    'a lease does not go on without another node that may be alive and cannot be told',
    { timeout: testMsMax },
    async (context) => {
      const { seen, lateMs } = await leftAlone(context)
      await until(() => seen.isFenced)
      assert.ok(lateMs() < LEASE_MS / 2, `${lateMs()} ms`)
    },
  )

  test(
    'a lease does not go on because another process answers for a node that may be alive',
    { timeout: testMsMax },
    async (context) => {
      const { there, seen, lateMs } = await leftAlone(context)
      // It waits, and answers meanwhile.
      const again = joined(there, 'b')
      await until(() => seen.isFenced)
      assert.ok(lateMs() < LEASE_MS / 2, `${lateMs()} ms`)
      await again
    },
  )

  test(
    'a node joins although its first heartbeat was answered too late for a lease',
    { timeout: testMsMax },
    async (context) => {
      const { stage } = await servers(context)
      let asked = 0
      // The first look is when the heartbeat is sent.
      const nowMs = (): number => performance.now() + (asked++ === 0 ? 0 : 2 * LEASE_MS)
      const { node } = await stage.join('a', { leaseMs: LEASE_MS, nowMs })
      assert.ok(node.membership.isValid())
    },
  )
})
