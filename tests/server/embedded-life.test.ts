/** The life of a broker inside a program, in whatever order its calls come. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect } from '../../src/client/node.ts'
import { createBroker, type ReceivedMessage } from '../../src/index.ts'
import { freePort } from '../support/free-port.ts'

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-life-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const quiet = { log: () => undefined }

async function isRefused(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

test('close while it begins to listen leaves no port open', async () => {
  const port = await freePort()
  const broker = createBroker(quiet)
  const listening = broker.listen({ port })
  const closing = broker.close()
  await assert.rejects(listening, { name: 'MozzieError', code: 'CLOSED' })
  await closing
  assert.ok(await isRefused(port))
})

test('close right after createBroker, and twice, and then nothing more', async () => {
  const broker = createBroker(quiet)
  const first = broker.close()
  assert.equal(broker.close(), first)
  await first
  await broker.close()
  const closed = { name: 'MozzieError', code: 'CLOSED' }
  await assert.rejects(broker.listen(), closed)
  assert.throws(() => broker.publish('a', ''), closed)
  assert.throws(() => broker.subscribe('a', () => undefined), closed)
})

test('bytes and properties used again before the store is open go out as they were', async () => {
  const broker = createBroker(quiet)
  // Shared with other threads: what clones arrays does not clone this.
  const payload = new Uint8Array(new SharedArrayBuffer(3))
  payload.set([1, 2, 3])
  const properties = {
    correlationData: new Uint8Array([4]),
    userProperties: [['a', 'b']] as [string, string][],
  }
  const came = new Promise<ReceivedMessage>((resolve) => void broker.subscribe('t', resolve))
  broker.publish('t', payload, { properties })
  payload.fill(9)
  properties.correlationData.fill(9)
  properties.userProperties.length = 0
  const { payload: bytes, properties: others } = await came
  assert.deepEqual([...bytes], [1, 2, 3])
  assert.deepEqual(others, { correlationData: new Uint8Array([4]), userProperties: [['a', 'b']] })
  await broker.close()
})

for (const listens of [false, true])
  test(`retained before the store is open is kept${listens ? ', with listen()' : ''}`, async (context) => {
    const persistence = { location: join(scratch(context), 'store') }
    const first = createBroker({ ...quiet, persistence })
    for (let index = 0; index < 100; index++) first.publish('kept', String(index), { retain: true })
    if (listens) await first.listen()
    await first.close()
    const second = createBroker({ ...quiet, persistence })
    context.after(() => second.close())
    const { port } = await second.listen()
    const client = await connect(`mqtt://127.0.0.1:${port}`)
    for await (const message of client.subscribe('kept')) {
      assert.equal(message.text(), '99')
      break
    }
    await client.end()
  })

const places: [string, (directory: string) => string][] = [
  ['a file', (directory) => join(directory, 'file')],
  ['below a file', (directory) => join(directory, 'file', 'store')],
  ['a name with a NUL', () => 'a\0b'],
  ['nothing', () => undefined as unknown as string],
]

for (const [name, at] of places)
  test(`a location that is ${name} is an error with a code, and ends nothing`, async (context) => {
    const directory = scratch(context)
    writeFileSync(join(directory, 'file'), '')
    const broker = createBroker({ ...quiet, persistence: { location: at(directory) } })
    broker.publish('a', 'x', { retain: true })
    await assert.rejects(broker.listen(), { name: 'MozzieError', code: 'START' })
    assert.throws(() => broker.publish('a', 'x'), { code: 'START' })
    await broker.close()
  })

test('a location that another broker has is an error with a code', async (context) => {
  const persistence = { location: join(scratch(context), 'store') }
  const first = createBroker({ ...quiet, persistence })
  await first.listen()
  const second = createBroker({ ...quiet, persistence })
  await assert.rejects(second.listen(), { name: 'MozzieError', code: 'START' })
  await second.close()
  await first.close()
})

test('observers and handlers that throw or reject are logged, and that is all', async (context) => {
  const errors: string[] = []
  const fail = async (): Promise<void> => Promise.reject(new Error('my mistake'))
  const broker = createBroker({
    log: (level, text) => void (level === 'error' && errors.push(text)),
    onConnect: fail,
    onDisconnect: () => {
      throw new Error('my mistake')
    },
    onPublish: fail,
  })
  context.after(() => broker.close())
  broker.subscribe('#', fail)
  const { port } = await broker.listen()
  const client = await connect(`mqtt://127.0.0.1:${port}`)
  await client.publish('a', 'x', { qos: 1 })
  await client.end()
  while (errors.length < 4) await new Promise(setImmediate)
  for (const name of ['onConnect', 'onDisconnect', 'onPublish', 'message handler'])
    assert.ok(
      errors.some((text) => text.startsWith(`Error: ${name} threw: Error: my mistake`)),
      name,
    )
})

test('a log that throws or rejects becomes a warning', async (context) => {
  for (const log of [
    () => {
      throw new Error('no log')
    },
    async () => Promise.reject(new Error('no log')),
  ]) {
    const warned = once(process, 'warning')
    const broker = createBroker({ log })
    context.after(() => broker.close())
    const { port } = await broker.listen()
    const client = await connect(`mqtt://127.0.0.1:${port}`)
    context.after(() => client.end({ force: true }))
    const [warning] = (await warned) as [Error]
    assert.equal(warning.name, 'MozzieError')
  }
})
