import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { connect, type MqttClient } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { testMsMax } from '../support/patience.ts'

const timeout = testMsMax
let broker: BrokerProcess
let client: MqttClient
before(async () => {
  broker = await startBroker()
  client = await connect(`mqtt://127.0.0.1:${broker.port}`)
})
after(async () => {
  await client.end()
  await broker.stop()
})

interface Outcome {
  readonly code: number
  readonly lines: readonly string[]
  readonly stderr: string
}

function retained(...words: string[]): Promise<Outcome> {
  const args = ['bin/mozzie', 'retained', ...words, '-h', '127.0.0.1', '-p', String(broker.port)]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '')
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        lines: lines.sort(),
        stderr,
      })
    })
  })
}

async function keep(...topics: string[]): Promise<void> {
  for (const topic of topics) await client.publish(topic, `in ${topic}`, { qos: 1, retain: true })
}

test('ls prints topics, get messages', { timeout }, async () => {
  await keep('a/1', 'a/2', 'b/1')
  assert.deepEqual((await retained('ls', 'a/#')).lines, ['a/1', 'a/2'])
  assert.deepEqual((await retained('ls', 'a/1', 'b/+')).lines, ['a/1', 'b/1'])
  assert.deepEqual((await retained('get', '-v', 'a/+')).lines, ['a/1 in a/1', 'a/2 in a/2'])
  assert.deepEqual((await retained('get', 'b/1', '-F', '%t=%l')).lines, ['b/1=6'])
})

test(
  'rm clears what matches and nothing else; with --dry-run nothing at all',
  { timeout },
  async () => {
    await keep('old/1', 'old/2', 'new/1')
    assert.deepEqual((await retained('rm', '--dry-run', 'old/#')).lines, ['old/1', 'old/2'])
    assert.deepEqual((await retained('ls', 'old/#')).lines, ['old/1', 'old/2'])
    const { code, lines } = await retained('rm', 'old/#')
    assert.deepEqual([code, lines], [0, ['old/1', 'old/2']])
    assert.deepEqual((await retained('ls', 'old/#')).lines, [])
    assert.deepEqual((await retained('ls', 'new/#')).lines, ['new/1'])
  },
)

test('get of nothing is an error, ls of nothing is not', { timeout }, async () => {
  const nothing = await retained('get', 'nothing/#')
  assert.equal(nothing.code, 1)
  assert.match(nothing.stderr, /^Error: No retained messages\.\nNothing is kept for nothing\/#/)
  assert.equal((await retained('ls', 'nothing/#')).code, 0)
})

test('messages that come meanwhile are not retained ones', { timeout }, async () => {
  await keep('live/kept')
  const timer = setInterval(() => void client.publish('live/now', 'x'), 20)
  const { lines } = await retained('ls', 'live/#')
  clearInterval(timer)
  assert.deepEqual(lines, ['live/kept'])
})

test('usage errors say what to write', { timeout }, async () => {
  for (const [words, said] of [
    [[], /Say what to do: ls, get or rm/],
    [['list', '#'], /not 'list'/],
    [['ls', '#', '--dry-run'], /--dry-run goes with rm/],
    [['ls', '#', '--wait', 'x'], /--wait needs seconds/],
    [['rm', '-v'], /specify a topic|Unknown option/],
    [['ls', 'a/#/b'], /Invalid subscription topic/],
  ] as const) {
    const { code, stderr } = await retained(...words)
    assert.equal(code, 1, words.join(' '))
    assert.match(stderr, said)
  }
})
