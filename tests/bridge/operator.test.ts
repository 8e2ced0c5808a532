/** What operators see of bridges and do to them: admin API, metrics, `$SYS`, reload. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { basic, scratchDirectory, writePasswords } from '../admin/api-server.ts'
import { startBroker } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { waitMsMax } from '../support/patience.ts'
import { clientOf } from './pair.ts'

interface BridgeRow {
  name: string
  state: string
  queued: number
  sent: number
  lastError: string | null
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, `waited in vain for: ${what}`)
    await sleep(20)
  }
}

/** Two brokers and a bridge between them whose lines stand in a file of their own, to be reloaded. */
async function scene(context: TestContext, lines: string) {
  const remote = await startBroker('', 'mozzie')
  context.after(() => remote.stop())
  const folder = mkdtempSync(join(tmpdir(), 'mozzie-bridge-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const write = (text: string): void => writeFileSync(join(folder, 'bridge.conf'), text)
  write(lines.replaceAll('REMOTE', String(remote.port)))
  const http = await freePort()
  const passwords = await writePasswords(scratchDirectory(context), 'admin')
  const local = await startBroker(
    `listener ${http} 127.0.0.1\nprotocol http_api\nallow_anonymous true\nhttp_admin_user admin\npassword_file ${passwords}\ninclude_dir ${folder}\nsys_interval 1\n`,
    'mozzie',
  )
  context.after(() => local.stop())
  const url = `http://127.0.0.1:${http}`
  const list = async (): Promise<BridgeRow[]> => {
    const reply = await fetch(`${url}/api/v1/bridges`, { headers: basic('admin') })
    return ((await reply.json()) as { bridges: BridgeRow[] }).bridges
  }
  const post = async (path: string, name: string): Promise<boolean> => {
    const reply = await fetch(`${url}/api/v1/bridges/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': 'any', ...basic('admin') },
      body: JSON.stringify({ name }),
    })
    return ((await reply.json()) as { done: boolean }).done
  }
  return { remote, local, write, url, list, post }
}

const section = (name: string, port: number | string) =>
  `connection ${name}\naddress 127.0.0.1:${port}\nremote_clientid r.${name}\ntopic ${name}/# out 1\nrestart_timeout 1\n`

test('a bridge is listed, paused and resumed, and counted', async (context) => {
  const { local, remote, list, post, url } = await scene(context, section('b', 'REMOTE'))
  await until('up', async () => (await list())[0].state === 'up')
  assert.equal(await post('pause', 'nobody'), false)
  assert.equal(await post('pause', 'b'), true)
  const here = await clientOf(local)
  await here.publish('b/x', 'kept', { qos: 1 })
  const [paused] = await list()
  assert.deepEqual([paused.state, paused.queued], ['paused', 1])
  const there = await clientOf(remote)
  await there.subscribe({ filter: '#', qos: 1 })
  assert.equal(await post('resume', 'b'), true)
  await there.receive({ topic: 'b/x', payload: 'kept' })
  await until('acknowledged', async () => (await list())[0].queued === 0)
  const metrics = await (await fetch(`${url}/metrics`, { headers: basic('admin') })).text()
  assert.match(metrics, /^mozzie_bridge_up\{bridge="b"\} 1$/m)
  assert.match(metrics, /^mozzie_bridge_sent_total\{bridge="b"\} 1$/m)
})

test('$SYS/broker/bridge tells how a bridge is', async (context) => {
  const { local } = await scene(context, section('b', 'REMOTE'))
  const here = await clientOf(local)
  await here.subscribe('$SYS/broker/bridge/b/state')
  for (;;) {
    const { payload } = await here.find('publish')
    if (new TextDecoder().decode(payload) === 'up') break
  }
})

test('SIGHUP adds, changes and removes bridges; what is queued survives a new address', async (context) => {
  const nobody = await freePort()
  const { local, remote, write, list } = await scene(context, section('b', nobody))
  const here = await clientOf(local)
  await here.publish('b/x', 'kept', { qos: 1 })
  await until('a reason', async () => (await list())[0].lastError !== null)
  assert.match((await list())[0].lastError ?? '', /ECONNREFUSED/)
  const there = await clientOf(remote)
  await there.subscribe({ filter: '#', qos: 1 })
  write(section('b', remote.port) + section('c', remote.port))
  local.signal('SIGHUP')
  await there.receive({ topic: 'b/x', payload: 'kept' })
  await until('both up', async () => {
    const states = (await list()).map(({ state }) => state)
    return states.length === 2 && states.every((state) => state === 'up')
  })
  await here.publish('c/x', 'new', { qos: 1 })
  await there.receive({ topic: 'c/x', payload: 'new' })
  write(section('c', remote.port))
  local.signal('SIGHUP')
  await until('one left', async () => (await list()).length === 1)
  await here.publish('b/x', 'gone', { qos: 1 })
  await here.publish('c/x', 'last', { qos: 1 })
  await there.receive({ topic: 'c/x', payload: 'last' })
})
