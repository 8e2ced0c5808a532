/** `kill -9` while the file is being saved: it is whole, and has all that was answered. MOZZIE_DYNSEC_SAVES=500 for more. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { scratch, startMozzie, writeConfig } from '../../server/run-mozzie.ts'
import { endWithUs } from '../../support/children.ts'
import { freePort } from '../../support/free-port.ts'
import { connect, publish } from '../../support/packets.ts'
import { RawClient } from '../../support/raw-client.ts'
import { dynamicFile, login, topic } from './driver.ts'
import { textOf } from './plugin.ts'

const savesMin = Number(process.env['MOZZIE_DYNSEC_SAVES'] ?? 60)
const savesBetweenKillsMax = 25
const saver = fileURLToPath(new URL('saver.js', import.meta.url))

test(`killed again and again during ${savesMin} saves, the file is whole and has what was answered`, async (context) => {
  const file = join(scratch(context), 'd.json')
  // Large enough that a write is not over at once.
  const users = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`user${at}`, []]))
  writeFileSync(file, await textOf({ users }))
  let saves = 0
  let kills = 0
  while (saves < savesMin) {
    const wanted = Math.ceil(Math.random() * savesBetweenKillsMax)
    const child = endWithUs(
      spawn(process.execPath, [saver, file], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      // In the middle of the next one, at a moment that nobody chose.
      if (said.split('\n').length > wanted)
        setTimeout(() => child.kill('SIGKILL'), Math.random() * 5)
    })
    await once(child, 'close')
    const answered = said.split('\n').filter(Boolean)
    const { state } = readState(readFileSync(file, 'utf8'), file)
    assert.ok(state.changeIndex >= Number(answered.at(-1)), `after ${answered.at(-1)}`)
    assert.equal(state.clients.size, 301)
    saves += answered.length
    kills++
  }
  context.diagnostic(`${saves} saves, ${kills} kills`)
})

test(`a broker killed again and again during ${savesMin} saves has every command that it answered`, async (context) => {
  const directory = scratch(context)
  const [port, file] = [await freePort(), join(directory, 'd.json')]
  const users = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`user${at}`, []]))
  writeFileSync(file, await dynamicFile({ users }))
  const conf = writeConfig(directory, `listener ${port} 127.0.0.1\ndynamic_security_file ${file}\n`)
  const answered: string[] = []
  let asked = 0
  let kills = 0
  while (answered.length < savesMin) {
    const mozzie = await startMozzie(context, '-c', conf)
    const client = await RawClient.open(port, 5)
    client.send(connect(5, { clientId: 'admin', ...login('admin') }))
    await client.expect('connack', { code: 0 })
    await client.subscribe(`${topic}/response`)
    const wanted = Math.ceil(Math.random() * savesBetweenKillsMax)
    // More than will be answered: the kill is to come in the middle of one.
    for (let count = 0; count < wanted + 10; count++) {
      const username = `made ${++asked}`
      const command = { command: 'createClient', username, correlationData: username }
      client.send(publish(topic, JSON.stringify({ commands: [command] })))
    }
    for (let count = 0; count < wanted; count++) answered.push(await nextAnswer(client))
    setTimeout(() => mozzie.signal('SIGKILL'), Math.random() * 5)
    await mozzie.exited
    for (let packet = await client.next(); packet !== null; packet = await client.next())
      answered.push(answerOf(packet))
    kills++
    const { state } = readState(readFileSync(file, 'utf8'), file)
    for (const username of answered) assert.ok(state.clients.has(username), username)
    assert.ok(state.clients.size >= 301 + answered.length)
  }
  context.diagnostic(`${answered.length} answered, ${kills} kills`)
})

async function nextAnswer(client: RawClient): Promise<string> {
  return answerOf(await client.receive({ topic: `${topic}/response` }))
}

/** The correlation data of an answer without an error. */
function answerOf(packet: object): string {
  assert.ok('payload' in packet)
  const { responses } = JSON.parse(Buffer.from(packet.payload as Uint8Array).toString()) as {
    responses: { error?: string; correlationData: string }[]
  }
  const [{ error, correlationData }] = responses
  assert.equal(error, undefined)
  return correlationData
}
