/** A QoS 2 message that reloaded rules refuse is given up for good: by every thread, and over a kill. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratch, startMozzie, until, writeConfig, type Mozzie } from './run-mozzie.ts'

const ID = 7
/** So many clients do not all come to one thread. */
const AUTHORS = 8

type Author = readonly [client: RawClient, name: string]

async function open(port: number, clientId: string): Promise<RawClient> {
  const client = await RawClient.open(port, 5)
  const properties = { sessionExpirySeconds: 1000 }
  client.send(make.connect(5, { clientId, cleanStart: false, properties }))
  await client.expect('connack', { code: 0 })
  return client
}

function openAll(port: number): Promise<Author[]> {
  const names = Array.from({ length: AUTHORS }, (_, index) => `author ${index}`)
  return Promise.all(names.map(async (name) => [await open(port, name), name] as const))
}

/** All of them publish under the same identifier of their own, and are answered so. */
async function publish(authors: Author[], payload: string, dup: boolean, reason: number) {
  for (const [client, name] of authors)
    client.send(make.publish(`t/${name}`, payload, { qos: 2, packetId: ID, dup }))
  for (const [client] of authors) await client.expect('pubrec', { packetId: ID, reason })
}

for (const threads of [1, 2])
  for (const isKilled of [false, true])
    for (const dup of [false, true])
      test(`a repeat that reloaded rules refuse, then a new one with DUP=${Number(dup)}${isKilled ? ', killed between' : ''}: ${threads} thread(s) [MQTT-4.3.3-9]`, (context) =>
        refuseRepeat(context, threads, isKilled, dup))

async function refuseRepeat(
  context: TestContext,
  threads: number,
  isKilled: boolean,
  dup: boolean,
): Promise<void> {
  const [directory, port] = [scratch(context), await freePort()]
  const rules = join(directory, 'acl')
  const file = writeConfig(
    directory,
    `thread_count ${threads}\nlistener ${port} 127.0.0.1\nallow_anonymous true\nacl_file ${rules}\npersistence true\npersistence_location ${directory}`,
  )
  const allow = (right: string): void => writeFileSync(rules, `topic ${right} t/#\n`)
  allow('readwrite')
  let mozzie: Mozzie = await startMozzie(context, '-c', file)
  const reload = async (right: string): Promise<void> => {
    allow(right)
    const before = mozzie.stderr().length
    mozzie.signal('SIGHUP')
    await until(() => /Reloading config\.\n/.test(mozzie.stderr().slice(before)), mozzie.stderr)
  }

  let authors = await openAll(port)
  // Nobody is subscribed yet: 0x10.
  await publish(authors, 'refused', false, 0x10)
  await reload('read')
  // They may come to other threads than before.
  for (const [client] of authors) client.destroy()
  authors = await openAll(port)
  await publish(authors, 'refused', true, 0x87)
  if (isKilled) {
    mozzie.signal('SIGKILL')
    await mozzie.exited
    allow('readwrite')
    mozzie = await startMozzie(context, '-c', file)
    authors = await openAll(port)
  } else await reload('readwrite')

  const reader = await open(port, 'reader')
  await reader.subscribe({ filter: 't/#', qos: 1 })
  await publish(authors, 'new', dup, 0)
  for (const [client] of authors) {
    client.send(make.ack('pubrel', ID))
    await client.expect('pubcomp', { packetId: ID, reason: 0 })
  }
  for (const _ of authors) await reader.receive({ payload: 'new' })
  await reader.expectNothing()
  for (const [client] of [...authors, [reader]] as const) client.destroy()
}
