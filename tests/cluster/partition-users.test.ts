/** The nodes' network is cut while users change: each node stands in a network namespace with a NATS server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { MqttClient } from 'mqtt'
import { dynamicFile } from '../auth/dynamic/driver.ts'
import { testMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { startNats } from './nats-servers.ts'
import { newName } from './nodes.ts'
import { skip, spaces } from './partition-spaces.ts'
import { command, connectAdmin, connectAs, sendCommand } from './support/commands.ts'
import { until } from './support/stage.ts'

/** Longer than JetStream needs to elect leaders, and to find out who is away. */
const LEASE_SECONDS = 20

async function start(context: TestContext): Promise<readonly ClusterBroker[]> {
  const nats = await startNats(3, undefined, spaces)
  context.after(() => nats.stop())
  context.after(() => {
    for (const space of spaces) space.cut(false)
  })
  const folder = mkdtempSync(join(tmpdir(), 'mozzie-users-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const text = await dynamicFile({ users: {}, roles: {} })
  for (const name of ['b0', 'b1', 'b2']) writeFileSync(join(folder, `${name}.json`), text)
  const { brokers, stop } = await startBrokers({
    urls: nats.urls,
    cluster: newName(),
    count: 3,
    replicas: 3,
    leaseSeconds: LEASE_SECONDS,
    mayFall: true,
    spaces,
    lines: `dynamic_security_file ${folder}/NODE.json`,
  })
  context.after(() => stop())
  return brokers
}

const newUser = (username: string) => ({ command: 'createClient', username, password: username })

/** While nobody leads the stream commands are refused, and change nothing: it is given again. */
async function untilTaken(client: MqttClient, wanted: Record<string, unknown>): Promise<void> {
  for (;;) {
    const answer = await sendCommand(client, wanted)
    if (answer?.error === undefined) return assert.ok(answer !== null)
    assert.equal(answer.error, 'Internal error')
  }
}

test(
  'of users that change while a node is cut off all of the others know; it refuses to, and knows them when it is back',
  { skip, timeout: testMsMax },
  async (context) => {
    const brokers = await start(context)
    const [minority, ...majority] = brokers
    assert.equal((await command(minority, newUser('before'))).error, undefined)
    const [inside, outside] = await Promise.all([minority, majority[0]].map(connectAdmin))
    spaces[0].cut(true)
    const refused = sendCommand(inside, newUser('inside'))
    const taken = untilTaken(outside, newUser('outside'))
    // Its lease has ended before the others say that all act on it. null: it has ended with the node.
    const answer = await refused
    assert.ok(answer === null || answer.error === 'Internal error', JSON.stringify(answer))
    context.diagnostic(answer === null ? 'not answered' : 'refused')
    await taken
    await until(() => !minority.isRunning())
    for (const broker of majority) {
      for (const name of ['before', 'outside']) await (await connectAs(broker, name)).endAsync()
      await assert.rejects(connectAs(broker, 'inside'))
    }
    spaces[0].cut(false)
    await minority.start()
    for (const name of ['before', 'outside']) await (await connectAs(minority, name)).endAsync()
    await assert.rejects(connectAs(minority, 'inside'))
    assert.equal((await command(minority, newUser('after'))).error, undefined)
    for (const broker of majority) await (await connectAs(broker, 'after')).endAsync()
    await Promise.all([inside, outside].map((client) => client.endAsync(true)))
  },
)
