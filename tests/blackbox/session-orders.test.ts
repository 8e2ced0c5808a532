/**
 * Every order of three connects of one client id, of each kind of session, however the one before ended: what a session
 * that keeps nothing had claimed must not be there for the next.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Properties, Version } from '../../src/codec/packets.ts'
import { startBroker, target, type BrokerProcess } from '../support/broker-process.ts'
import { connect, publish } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

interface Kind {
  readonly version: Version
  readonly cleanStart: boolean
  readonly properties?: Properties
  /** It stays when its connection is cut or taken over. */
  readonly stays: boolean
  /** DISCONNECT ends it. */
  readonly endsAtGoodbye?: boolean
}

const KINDS: Record<string, Kind> = {
  durable: { version: 4, cleanStart: false, stays: true },
  clean: { version: 4, cleanStart: true, stays: false },
  durable5: {
    version: 5,
    cleanStart: false,
    properties: { sessionExpirySeconds: 1000 },
    stays: true,
  },
  begun5: { version: 5, cleanStart: true, properties: { sessionExpirySeconds: 1000 }, stays: true },
  ending5: { version: 5, cleanStart: false, stays: false },
  changed5: {
    version: 5,
    cleanStart: false,
    properties: { sessionExpirySeconds: 1000 },
    stays: true,
    endsAtGoodbye: true,
  },
}

const NAMES = Object.keys(KINDS)

/** How a connection ends before the next one of its client comes. */
type Between = 'closed before' | 'taken over' | 'stopped between' | 'killed between'

/** One client id on its way through three connects; `filters`: those that its session has by the rules. */
interface Walk {
  readonly order: readonly string[]
  readonly clientId: string
  readonly username: string | undefined
  session: string[] | null
  client: RawClient | null
}

function allWalks(between: string): Walk[] {
  const orders = NAMES.flatMap((a) => NAMES.flatMap((b) => NAMES.map((c) => [a, b, c])))
  const who = between.charAt(0)
  return orders.map((order, index) => ({
    order,
    clientId: `${who}${index}`,
    username: index % 2 === 0 ? undefined : 'user',
    session: null,
    client: null,
  }))
}

/** The connect number `step` of a walk: CONNACK and what its session has must be what the rules say. */
async function connectStep(port: number, walk: Walk, step: number): Promise<void> {
  const kind = KINDS[walk.order[step]]
  const { clientId, username } = walk
  const client = await RawClient.open(port, kind.version)
  const old = walk.client
  walk.client = client
  const { cleanStart, properties } = kind
  client.send(connect(kind.version, { clientId, username, cleanStart, properties }))
  if (kind.cleanStart) walk.session = null
  const name = `${walk.order.join(', ')} as ${username}, connect ${step + 1}`
  const { code, sessionPresent } = await client.expect('connack')
  assert.deepEqual(
    { code, sessionPresent },
    { code: 0, sessionPresent: walk.session !== null },
    name,
  )
  old?.destroy()
  walk.session = [...(walk.session ?? []), `${clientId}/${step}`]
  await client.subscribe(`${clientId}/${step}`)
  client.send(...[0, 1, 2].map((topic) => publish(`${clientId}/${topic}`, '')))
  await client.ping()
  const topics = client.inbox.map((packet) => ('topic' in packet ? packet.topic : packet.type))
  assert.deepEqual(topics, walk.session, name)
}

async function endStep(walk: Walk, step: number, between: Between): Promise<void> {
  const kind = KINDS[walk.order[step]]
  const endsNow = between === 'closed before' && kind.endsAtGoodbye === true
  if (!kind.stays || endsNow) walk.session = null
  if (between !== 'closed before') return
  await walk.client?.disconnect(0, endsNow ? { sessionExpirySeconds: 0 } : {})
  walk.client = null
}

async function inPortions<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 50)
    await Promise.all(items.slice(at, at + 50).map((item) => run(item)))
}

async function restart(
  broker: BrokerProcess,
  between: Between,
  start: () => Promise<BrokerProcess>,
): Promise<BrokerProcess> {
  if (between === 'killed between') broker.signal('SIGKILL')
  await broker.stop()
  return await start()
}

for (const persistence of [false, true]) {
  describe(`every order of three connects, persistence ${persistence}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'mozzie-orders-'))
    const config = persistence ? `persistence true\npersistence_location ${directory}/\n` : ''
    let broker: BrokerProcess | null = null
    const start = async () => (broker = await startBroker(config))
    after(async () => {
      await broker?.stop()
      rmSync(directory, { recursive: true, force: true })
    })
    const betweens: Between[] = ['closed before', 'taken over', 'stopped between']
    if (target === 'mozzie') betweens.push('killed between')
    for (const between of betweens) {
      const restarts = between.endsWith('between')
      test(`${between} [MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.2.2-3]`, async () => {
        const walks = allWalks(between)
        broker ??= await start()
        for (const step of [0, 1, 2]) {
          const { port } = broker
          await inPortions(walks, (walk) => connectStep(port, walk, step))
          await inPortions(walks, (walk) => endStep(walk, step, between))
          if (!restarts) continue
          broker = await restart(broker, between, start)
          if (!persistence) for (const walk of walks) walk.session = null
        }
        for (const { client } of walks) client?.destroy()
      })
    }
  })
}
