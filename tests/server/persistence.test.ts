import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect } from 'mqtt'
import { spawnMozzie, startMozzie } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mozzie-persistence-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function configFile(path: string, port: number, more = ''): string {
  const file = join(path, 'mosquitto.conf')
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  const lines = `${user}listener ${port} 127.0.0.1\nallow_anonymous true\npersistence_location ${path}\n`
  writeFileSync(file, `${lines}${more}\n`)
  return file
}

async function publishRetained(port: number): Promise<void> {
  const client = connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
  await client.publishAsync('kept', 'value', { qos: 1, retain: true })
  await client.endAsync()
}

/** The retained message of `kept`; null: there is none. */
async function readRetained(port: number): Promise<string | null> {
  const client = connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
  let found: string | null = null
  client.on('message', (topic, payload) => {
    if (topic === 'kept') found = payload.toString()
  })
  await client.subscribeAsync(['kept', 'end'])
  const ended = new Promise<void>((resolve) => {
    client.on('message', (topic) => {
      if (topic === 'end') resolve()
    })
  })
  await client.publishAsync('end', '')
  await ended
  await client.endAsync()
  return found
}

test('persistence true keeps what kill -9 finds acknowledged', async (context) => {
  const [path, port] = [directory(context), await freePort()]
  const file = configFile(path, port, 'persistence true')
  const first = await startMozzie(context, '-c', file)
  await publishRetained(port)
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  await startMozzie(context, '-c', file)
  assert.equal(await readRetained(port), 'value')
})

test('without persistence nothing is written', async (context) => {
  const [path, port] = [directory(context), await freePort()]
  await startMozzie(context, '-c', configFile(path, port))
  await publishRetained(port)
  assert.deepEqual(readdirSync(path), ['mosquitto.conf'])
})

test('the directory is for its owner alone, and so are its files', async (context) => {
  const [path, port] = [directory(context), await freePort()]
  await startMozzie(context, '-c', configFile(path, port, 'persistence true'))
  await publishRetained(port)
  const store = join(path, 'mozzie.db')
  assert.equal(statSync(store).mode & 0o777, 0o700)
  for (const name of readdirSync(store))
    assert.equal(statSync(join(store, name)).mode & 0o777, 0o600, name)
})

test('a second broker on the same store is refused, and told what to do', async (context) => {
  const path = directory(context)
  await startMozzie(context, '-c', configFile(path, await freePort(), 'persistence true'))
  const second = spawnMozzie(context, '-c', configFile(path, await freePort(), 'persistence true'))
  assert.equal(await second.exited, 1)
  assert.match(second.stderr(), /mozzie\.db is in use by another broker; .*persistence_location/)
})

test('a damaged store is refused, left as it is, and the way out is named', async (context) => {
  const [path, port] = [directory(context), await freePort()]
  const file = configFile(path, port, 'persistence true')
  const first = await startMozzie(context, '-c', file)
  await publishRetained(port)
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const store = join(path, 'mozzie.db')
  const log = join(store, readdirSync(store).find((name) => name.endsWith('.log')) as string)
  const bytes = readFileSync(log)
  bytes[Math.floor(bytes.length / 3)] ^= 0x10
  writeFileSync(log, bytes)
  const second = spawnMozzie(context, '-c', file)
  assert.equal(await second.exited, 1)
  assert.match(second.stderr(), /is damaged: .*checksum.* mozzie db salvage/)
  assert.deepEqual(readFileSync(log), bytes)
})

test("mosquitto's own database stays, and a notice says how to bring it over", async (context) => {
  const [path, port] = [directory(context), await freePort()]
  writeFileSync(join(path, 'mosquitto.db'), 'not ours')
  const more = 'persistence true\npersistence_file mosquitto.db'
  const mozzie = await startMozzie(context, '-c', configFile(path, port, more))
  assert.match(mozzie.stderr(), /mosquitto\.db is a database of mosquitto.*mozzie import-db/)
  assert.equal(readFileSync(join(path, 'mosquitto.db'), 'utf8'), 'not ours')
  assert.ok(statSync(join(path, 'mosquitto.db.mozzie')).isDirectory())
})

test('a store never takes the name that mosquitto would want for its own', async (context) => {
  const [path, port] = [directory(context), await freePort()]
  const more = 'persistence true\npersistence_file mosquitto.db'
  const mozzie = await startMozzie(context, '-c', configFile(path, port, more))
  assert.deepEqual(
    readdirSync(path).filter((name) => name.startsWith('mosquitto.db')),
    ['mosquitto.db.mozzie'],
  )
  assert.doesNotMatch(mozzie.stderr(), /is a database of mosquitto/)
})

for (const sync of ['interval', 'never'])
  test(`persistence_sync ${sync} is announced as the weaker promise it is`, async (context) => {
    const [path, port] = [directory(context), await freePort()]
    const more = `persistence true\npersistence_sync ${sync}`
    const mozzie = await startMozzie(context, '-c', configFile(path, port, more))
    assert.match(mozzie.stderr(), new RegExp(`"persistence_sync ${sync}": a power cut can lose`))
    const client = connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
    const said = new Promise<string>((resolve) => {
      client.on('message', (_topic, payload) => resolve(payload.toString()))
    })
    await client.subscribeAsync('$SYS/broker/persistence/sync')
    assert.equal(await said, sync)
    await client.endAsync()
  })
