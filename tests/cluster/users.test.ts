/** Users, groups and roles that change: all nodes of a cluster have the same, whichever was commanded and whichever died. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { dynamicFile } from '../auth/dynamic/driver.ts'
import { atThisLoad, testMsMax, waitMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBrokers } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName } from './nodes.ts'
import { command, connectAdmin, connectAs, sendCommand } from './support/commands.ts'

/** Each node that is killed is waited for so long. */
const LEASE_SECONDS = atThisLoad(5)
const PAIRS = 40
const KILLS = Number(process.env['MOZZIE_CLUSTER_KILLS'] ?? 3)
/** A command is answered within some tens of ms: the kill comes before, at, or after its swap. */
const KILL_STEP_MS = 8

let nats: NatsServers
let cluster: ClusterBrokers
let folder: string

const connect = (index: number, name: string): Promise<MqttClient> =>
  connectAs(cluster.brokers[index], name)

async function assertRefused(index: number, name: string): Promise<void> {
  await assert.rejects(connect(index, name), /Not authorized|Bad User Name|Connection refused/i)
}

/** Resolves when a client's connection has ended. */
const closed = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => void client.once('close', () => resolve()))

async function made(index: number, wanted: Record<string, unknown>): Promise<void> {
  assert.equal((await command(cluster.brokers[index], wanted)).error, undefined)
}

async function rolesAt(index: number): Promise<string[]> {
  const answer = await command(cluster.brokers[index], { command: 'listRoles' })
  assert.equal(answer.error, undefined, JSON.stringify(answer))
  return (answer as unknown as { data: { roles: string[] } }).data.roles
}

const newUser = (username: string) => ({
  command: 'createClient',
  username,
  password: username,
  roles: [{ rolename: 'all' }],
})

if (skipNats !== false) test('users of a cluster', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats()
    folder = mkdtempSync(join(tmpdir(), 'mozzie-users-'))
    const text = await dynamicFile({
      roles: { all: ['allow send #', 'allow subscribe #', 'allow receive #'] },
      users: {},
    })
    for (const name of ['b0', 'b1', 'b2']) writeFileSync(join(folder, `${name}.json`), text)
    cluster = await startBrokers({
      urls: nats.urls,
      cluster: newName(),
      count: 3,
      replicas: 1,
      leaseSeconds: LEASE_SECONDS,
      lines: `dynamic_security_file ${folder}/NODE.json`,
    })
  })
  after(async () => {
    await cluster.stop()
    await nats.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('what one node was commanded holds at every node when it is answered', async () => {
    for (const [index, name] of ['u0', 'u1', 'u2'].entries()) {
      await made(index, newUser(name))
      const clients = await Promise.all([0, 1, 2].map((at) => connect(at, name)))
      const gone = clients.map((client) => closed(client))
      await made((index + 1) % 3, { command: 'disableClient', username: name })
      for (const at of [0, 1, 2]) await assertRefused(at, name)
      await Promise.all(gone)
    }
  })

  test('one node’s file was the first state, and only that one says so', () => {
    const seeds = cluster.brokers.filter((broker) => /had no users/.test(broker.log()))
    assert.equal(seeds.length, 1)
    for (const broker of cluster.brokers) assert.doesNotMatch(broker.log(), /\$7\$|PBKDF2\$/)
  })

  test(`of ${PAIRS} pairs of commands at two nodes at once both hold`, async () => {
    const clients = await Promise.all([
      connectAdmin(cluster.brokers[0]),
      connectAdmin(cluster.brokers[1]),
    ])
    for (let pair = 0; pair < PAIRS; pair++) {
      const answers = await Promise.all(
        clients.map((client, at) =>
          sendCommand(client, { command: 'createRole', rolename: `p${pair}-${at}` }),
        ),
      )
      for (const answer of answers)
        assert.ok(answer !== null && answer.error === undefined, `pair ${pair}`)
    }
    for (const at of [0, 1, 2]) {
      const found = (await rolesAt(at)).filter((name) => name.startsWith('p'))
      assert.equal(found.length, 2 * PAIRS)
    }
    for (const client of clients) await client.endAsync()
  })

  test('a node that was away, and all of them, have the newest state when they serve', async () => {
    const [, , third] = cluster.brokers
    await third.kill('SIGTERM')
    await made(0, newUser('late'))
    await third.start()
    await (await connect(2, 'late')).endAsync()
    await Promise.all(cluster.brokers.map((broker) => broker.kill('SIGKILL')))
    await Promise.all(cluster.brokers.map((broker) => broker.start()))
    for (const at of [0, 1, 2]) await (await connect(at, 'late')).endAsync()
  })

  test('SIGHUP does not put the file of a node in force', async () => {
    writeFileSync(join(folder, 'b0.json'), await dynamicFile({ users: {}, roles: {} }))
    process.kill(cluster.brokers[0].pid(), 'SIGHUP')
    const count = (): number => cluster.brokers[0].log().split('Reloaded config').length
    for (const endMs = performance.now() + waitMsMax; count() < 2; await sleep(20))
      assert.ok(performance.now() < endMs, 'it does not reload')
    await (await connect(0, 'late')).endAsync()
  })

  test(
    'a node that dies amid a command: what was answered holds at all, the rest at all or at none',
    { timeout: testMsMax },
    async () => {
      for (let round = 0; round < KILLS; round++) {
        const client = await connectAdmin(cluster.brokers[0])
        const rolename = `k${round}`
        const answer = sendCommand(client, { command: 'createRole', rolename })
        await sleep(round * KILL_STEP_MS)
        await cluster.brokers[0].kill('SIGKILL')
        const isAnswered = (await answer) !== null
        await made(1, { command: 'createRole', rolename: `after${round}` })
        const [one, other] = await Promise.all([1, 2].map(async (at) => await rolesAt(at)))
        assert.deepEqual(one, other)
        if (isAnswered) assert.ok(one.includes(rolename))
        await cluster.brokers[0].start()
        assert.deepEqual(await rolesAt(0), one)
        client.end(true)
      }
    },
  )
}
