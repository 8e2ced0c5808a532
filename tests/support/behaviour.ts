import { after, describe, test } from 'node:test'
import type { Version } from '../../src/codec/packets.ts'
import { startBroker, type BrokerProcess } from './broker-process.ts'
import { connect, type ConnectOptions, type PacketOf } from './packets.ts'
import { RawClient } from './raw-client.ts'

/** What one test has: a broker shared by its file, and names no other test uses. */
export interface Scene {
  readonly version: Version
  readonly broker: BrokerProcess
  /** A topic of this test alone; levels may be added below it. */
  readonly topic: string
  /** A client id of this test alone: letters and digits, below 23 of them. */
  readonly clientId: string
  /** A TCP connection, nothing sent. */
  open(): Promise<RawClient>
  /** A client with an accepted CONNECT, by default a nameless clean one. */
  connect(options?: ConnectOptions): Promise<RawClient>
  /** As `connect`, with the CONNACK. */
  connectFor(options?: ConnectOptions): Promise<[RawClient, PacketOf['connack']]>
}

/**
 * The versions a behaviour holds for, with the statements it proves in each, as `[MQTT-…]` ids; 3.1 has no
 * ids. `scripts/conformance.ts` reads these lists from the source, so they are literals.
 */
export interface Proves {
  v3?: string
  v4?: string
  v5?: string
}

/** Declares one behaviour: a test for each version that is named. */
export type Behaviour = (
  name: string,
  proves: Proves,
  body: (scene: Scene) => Promise<void>,
) => void

const versions = [
  ['v3', 3, 'v3.1'],
  ['v4', 4, 'v3.1.1'],
  ['v5', 5, 'v5'],
] as const

export interface FileOptions {
  /** More lines of the broker's configuration. */
  config?: string
  /** Tests at once: for files whose tests mostly wait. Default 1. */
  concurrency?: number
}

let serial = 0

/**
 * The tests of one file, run against one broker that ends with them. They are declared at the file's top
 * level with the function this returns, and registered when the file has been read to its end.
 */
export function behaviours(theme: string, options: FileOptions = {}): Behaviour {
  const declared: Parameters<Behaviour>[] = []
  describe(theme, { concurrency: options.concurrency ?? 1 }, async () => {
    const broker = startBroker(options.config)
    after(async () => {
      await (await broker).stop()
    })
    await Promise.resolve()
    for (const each of declared) register(broker, ...each)
  })
  return (...each) => void declared.push(each)
}

function register(
  broker: Promise<BrokerProcess>,
  name: string,
  proves: Proves,
  body: (scene: Scene) => Promise<void>,
): void {
  for (const [key, version, label] of versions) {
    const ids = proves[key]
    if (ids === undefined) continue
    test(`${label}: ${name}${ids === '' ? '' : ` ${ids}`}`, async () => {
      await play(await broker, version, body)
    })
  }
}

async function play(
  broker: BrokerProcess,
  version: Version,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const clients: RawClient[] = []
  const name = `t${process.pid}x${++serial}`
  const open = async () => {
    const client = await RawClient.open(broker.port, version)
    clients.push(client)
    return client
  }
  const connectFor: Scene['connectFor'] = async (options = {}) => {
    const client = await open()
    const unnamed = `${name}c${clients.length}`
    client.send(connect(version, { clientId: unnamed, ...options }))
    return [client, await client.expect('connack', { code: 0 })]
  }
  const connectOne: Scene['connect'] = async (options) => (await connectFor(options))[0]
  try {
    await body({
      version,
      broker,
      topic: name,
      clientId: name,
      open,
      connect: connectOne,
      connectFor,
    })
  } finally {
    for (const client of clients) client.destroy()
  }
}
