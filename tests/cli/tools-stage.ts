/** A broker for tests of the tools, and what they do with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { AT_LAST, runTool } from './tool-process.ts'

export let broker: BrokerProcess
export let directory: string
let serial = 0

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mozzie-tools-'))
  broker = await startBroker(`listener 0 ${join(directory, 'socket')}\nallow_anonymous true`)
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

export const freshTopic = (): string => `tools/${++serial}`
export const place = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port)]

/** Nothing listens there. */
export async function closedPort(): Promise<string> {
  return String(await freePort())
}

export async function client(version: 4 | 5 = 4): Promise<RawClient> {
  const raw = await RawClient.open(broker.port, version)
  raw.send(make.connect(version, {}))
  await raw.expect('connack', { code: 0 })
  return raw
}

export async function retained(payload: string | Uint8Array): Promise<string> {
  const topic = freshTopic()
  const raw = await client()
  await raw.publish(topic, payload, { retain: true, qos: 1 })
  raw.destroy()
  return topic
}

/** What sub prints of one retained message. */
export async function shown(payload: string | Uint8Array, ...flags: string[]) {
  const topic = await retained(payload)
  const args = [...place(), '-t', topic, '-C', '1', ...AT_LAST, ...flags]
  return { topic, ...(await runTool('mozzie', 'sub', args)) }
}
