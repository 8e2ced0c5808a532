/** Lets a real mosquitto write a database with everything in it that `import-db` brings over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { processMsMax } from '../support/patience.ts'
import { endWithUs } from '../support/children.ts'

const program = '/usr/sbin/mosquitto'
export const hasMosquitto = existsSync(program)

async function connected(
  port: number,
  version: 4 | 5,
  options: make.ConnectOptions,
): Promise<RawClient> {
  const deadline = performance.now() + processMsMax
  for (;;) {
    try {
      const client = await RawClient.open(port, version)
      client.send(make.connect(version, options))
      await client.expect('connack', { code: 0 })
      return client
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(20)
    }
  }
}

/** Runs mosquitto, fills it, stops it; the bytes of its database. */
export async function databaseOfMosquitto(): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-test-'))
  const port = await freePort()
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(
    join(directory, 'mosquitto.conf'),
    `${user}listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n` +
      `persistence true\npersistence_location ${directory}/\nmax_inflight_messages 3\n`,
  )
  const child = endWithUs(
    spawn(program, ['-c', join(directory, 'mosquitto.conf')], { stdio: 'ignore' }),
  )
  try {
    await fill(port)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    return new Uint8Array(readFileSync(join(directory, 'mosquitto.db')))
  } finally {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

async function fill(port: number): Promise<void> {
  const durable = (clientId: string, seconds = 0) => ({
    clientId,
    username: `user of ${clientId}`,
    cleanStart: false,
    properties: seconds > 0 ? { sessionExpirySeconds: seconds } : {},
  })
  const old = await connected(port, 4, durable('old'))
  await old.subscribe({ filter: 'q/#', qos: 2 })
  const modern = await connected(port, 5, durable('new', 0x7fff_0000))
  await modern.subscribe(
    { filter: 'q/+', qos: 1, noLocal: true, retainAsPublished: true },
    { subscriptionIds: [77] },
  )
  const publisher = await connected(port, 5, durable('publisher', 0x7fff_0000))
  for (let n = 1; n <= 6; n++) {
    const qos = n % 2 === 0 ? 1 : 2
    await publisher.publish('q/1', `m${n}`, { qos, properties: { contentType: 'text/plain' } })
  }
  // Of the first three one is at PUBREL, two were sent; the others wait behind the window.
  const first = await old.expect('publish', { payload: make.bytesOf('m1') })
  old.send(make.ack('pubrec', first.packetId))
  await old.find('pubrel')
  await publisher.publish('kept/1', 'one', { qos: 1, retain: true })
  await publisher.publish('kept/2', 'two', {
    qos: 2,
    retain: true,
    properties: { messageExpirySeconds: 0x3fff_0000, userProperties: [['k', 'v']] },
  })
  publisher.send(make.publish('q/1', 'half', { qos: 2, packetId: 4711 }))
  await publisher.find('pubrec', { packetId: 4711 })
  // Connections that break off leave their sessions as they are.
  for (const client of [old, modern, publisher]) client.destroy()
  const last = await connected(port, 4, { clientId: 'last' })
  await last.ping()
  last.destroy()
}
