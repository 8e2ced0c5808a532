import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { scratch, spawnMozzie, startMozzie, until, writeConfig } from '../server/run-mozzie.ts'
import { join, timeout } from './secure.ts'

function configFor(directory: string, path: string): string {
  return writeConfig(directory, `listener 0 ${path}\nallow_anonymous true`)
}

async function open(path: string) {
  const socket = connect({ path })
  await once(socket, 'connect')
  return socket
}

test('a unix socket serves clients, and is gone after the broker', { timeout }, async (context) => {
  const directory = scratch(context)
  const path = joinPath(directory, 'mqtt.sock')
  const broker = await startMozzie(context, '-c', configFor(directory, path))
  assert.equal(statSync(path).mode & 0o777, 0o770)
  const client = await join(await open(path))
  await client.subscribe({ filter: 'unix', qos: 1 })
  await client.publish('unix', Buffer.alloc(500_000, 1), { qos: 1 })
  await client.find('publish', { topic: 'unix' })
  await until(() => broker.stderr().includes(`New connection from ${path}`), broker.stderr)
  broker.signal('SIGTERM')
  assert.equal(await broker.exited, 0)
  assert.equal(existsSync(path), false)
})

test('the socket of a process that was killed is replaced', { timeout }, async (context) => {
  const directory = scratch(context)
  const path = joinPath(directory, 'mqtt.sock')
  const file = configFor(directory, path)
  const first = await startMozzie(context, '-c', file)
  first.signal('SIGKILL')
  await first.exited
  assert.equal(existsSync(path), true)
  await startMozzie(context, '-c', file)
  await (await join(await open(path))).ping()
})

test('a socket that somebody answers on stays theirs', { timeout }, async (context) => {
  const directory = scratch(context)
  const path = joinPath(directory, 'mqtt.sock')
  const file = configFor(directory, path)
  await startMozzie(context, '-c', file)
  const second = spawnMozzie(context, '-c', file)
  assert.equal(await second.exited, 1)
  assert.match(second.stderr(), /unix socket .*another program listens there/)
  await (await join(await open(path))).ping()
})

test('a file that is no socket stays as it is', { timeout }, async (context) => {
  const directory = scratch(context)
  const path = joinPath(directory, 'precious')
  writeFileSync(path, 'data')
  const broker = spawnMozzie(context, '-c', configFor(directory, path))
  assert.equal(await broker.exited, 1)
  await until(() => /it is no socket/.test(broker.stderr()), broker.stderr)
  assert.equal(statSync(path).size, 4)
})

test('a directory that is missing is named', { timeout }, async (context) => {
  const broker = spawnMozzie(context, '-c', configFor(scratch(context), '/nowhere/mqtt.sock'))
  assert.equal(await broker.exited, 1)
  assert.match(broker.stderr(), /\/nowhere\/mqtt\.sock: its directory does not exist/)
})
