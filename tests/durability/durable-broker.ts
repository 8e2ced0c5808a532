/** A broker on a store that outlives it, and the commands that work on stores. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { processMsMax } from '../support/patience.ts'

const run = promisify(execFile)

export interface Place {
  readonly directory: string
  /** Where the store will be. */
  readonly store: string
}

export function newPlace(context: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-durable-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return { directory, store: join(directory, 'store.mozzie') }
}

/** A broker with `persistence true` on `store`. */
export async function startOn(
  context: TestContext,
  { directory, store }: Place,
  config = '',
  env: NodeJS.ProcessEnv = {},
): Promise<BrokerProcess> {
  const broker = await startBroker(
    `persistence true\npersistence_location ${directory}\npersistence_file ${basename(store)}\n${config}`,
    'mozzie',
    { ...process.env, ...env },
  )
  context.after(() => broker.stop())
  return broker
}

/** What a broker says on stderr that must not start on `store`; its exit code is 1. */
export async function refusalOn({ directory, store }: Place): Promise<string> {
  const file = join(directory, 'refused.conf')
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(
    file,
    `${user}listener ${await freePort()} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\npersistence true\n` +
      `persistence_location ${directory}\npersistence_file ${basename(store)}\n`,
  )
  const { code, stderr } = await mozzie('-c', file)
  assert.equal(code, 1, stderr)
  return stderr
}

/** Runs `mozzie` with these words; never rejects. */
export async function mozzie(
  ...words: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const program = join(process.cwd(), 'bin', 'mozzie')
    return {
      code: 0,
      ...(await run(process.execPath, [program, ...words], { timeout: processMsMax })),
    }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

/** A connected client; durable unless told otherwise. */
export async function clientOf(
  { port }: BrokerProcess,
  clientId: string,
  options: make.ConnectOptions = {},
): Promise<{ client: RawClient; sessionPresent: boolean }> {
  const client = await RawClient.open(port, 5)
  const properties = { sessionExpirySeconds: 3600, ...options.properties }
  client.send(make.connect(5, { clientId, cleanStart: false, ...options, properties }))
  const { sessionPresent } = await client.expect('connack', { code: 0 })
  return { client, sessionPresent }
}
