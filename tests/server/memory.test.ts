import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, subscribe } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'

const LIMIT_MB = 200

test('memory_limit turns away new clients, then messages, and takes both again when there is room', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nmemory_limit ${LIMIT_MB << 20}`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  const open = async (clientId: string): Promise<[RawClient, number]> => {
    const client = await RawClient.open(port, 5)
    context.after(() => client.destroy())
    client.send(connect(5, { clientId }))
    return [client, (await client.expect('connack')).code]
  }
  const [client] = await open('first')
  const payload = new Uint8Array(1 << 20)
  const keep = (index: number, bytes: Uint8Array) =>
    client.publish(`m/${index}`, bytes, { qos: 1, retain: true })
  let kept = 0
  while (kept < 3 * LIMIT_MB && (await keep(kept, payload)) < 0x80) {
    kept++
  }
  assert.ok(kept > LIMIT_MB / 3 && kept < 1.1 * LIMIT_MB, `${kept} messages of 1 MB were kept`)
  const refused = /Warning: \d+ MB of the 200 MB of memory_limit are in use: messages are refused/
  await until(() => refused.test(mozzie.stderr()), mozzie.stderr)
  assert.equal((await open('late'))[1], 0x89)
  client.send(subscribe(9, [{ filter: 'm/0' }]))
  await client.expect('suback', { codes: [0x97] })
  for (let index = 0; index < kept; index++) await keep(index, new Uint8Array(0))
  await until(() => mozzie.stderr().includes('below 80 % of memory_limit'), mozzie.stderr)
  assert.equal((await open('again'))[1], 0)
  assert.ok((await keep(0, payload)) < 0x80)
})
