/**
 * A network that is cut between two brokers, without a word to either: packets just do not arrive any more.
 *
 *     this test, here ═══ link ═══ there, in a network namespace of its own
 *            └────────── watch ───────┘      the test's own way to it, never cut
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { endWithUs } from '../support/children.ts'
import { connect } from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { textOf, untilUp } from './pair.ts'

const SPACE = `mozzie${process.pid}`
const NET = `10.231.${process.pid % 256}`
/** Ends of the two lines: ours, and the one in the namespace. */
const LINK = { ours: `${NET}.1`, theirs: `${NET}.2`, device: `mzl${process.pid}` }
const WATCH = { ours: `${NET}.5`, theirs: `${NET}.6`, device: `mzw${process.pid}` }
const PORT = 1883
const PUBLISH_EVERY_MS = 25
/** Messages that come before the network is cut, and after it is there again. */
const AROUND = 20

function ip(...args: string[]): string {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' })
  return status === 0 ? '' : (error?.message ?? stderr).trim()
}

const inSpace = (...args: string[]): string => ip('netns', 'exec', SPACE, 'ip', ...args)

/** Why there can be no namespace here; '': there is one now. */
function makeSpace(): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root'
  const steps = [() => ip('netns', 'add', SPACE), () => inSpace('link', 'set', 'lo', 'up')]
  for (const { ours, theirs, device } of [LINK, WATCH])
    steps.push(
      () => ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'x', 'netns', SPACE),
      () => inSpace('link', 'set', 'x', 'name', device),
      () => ip('addr', 'add', `${ours}/30`, 'dev', device),
      () => inSpace('addr', 'add', `${theirs}/30`, 'dev', device),
      () => ip('link', 'set', device, 'up'),
      () => inSpace('link', 'set', device, 'up'),
    )
  for (const step of steps) {
    const problem = step()
    if (problem !== '') return `no network namespace: ${problem}`
  }
  return ''
}

const why = makeSpace()
// Its devices go with it.
after(() => void ip('netns', 'del', SPACE))

/** A broker in the namespace, for clients of both lines. */
async function startThere(context: TestContext): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-cut-'))
  const file = join(directory, 'mosquitto.conf')
  const listeners = [LINK, WATCH].map(({ theirs }) => `listener ${PORT} ${theirs}\n`).join('')
  writeFileSync(file, `user root\n${listeners}allow_anonymous true\nlog_dest stderr\n`)
  const command = [process.execPath, join(process.cwd(), 'bin', 'mozzie'), '-c', file]
  const child = endWithUs(spawn('ip', ['netns', 'exec', SPACE, ...command]))
  context.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    rmSync(directory, { recursive: true })
  })
  let log = ''
  const isUp = /version \S+ running/
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  while (!isUp.test(log)) {
    assert.equal(child.exitCode, null, log)
    await once(child.stderr, 'data')
  }
}

async function enter(host: string, port: number): Promise<RawClient> {
  const socket = connectSocket({ host, port, noDelay: true })
  await once(socket, 'connect')
  const client = RawClient.over(socket, 5)
  client.send(connect(5))
  await client.expect('connack', { code: 0 })
  return client
}

/** Publishes 0, 1, 2, … at QoS 2 until it is told to stop. */
function publishOn(client: RawClient, topic: string) {
  const end = new AbortController()
  let count = 0
  const all = (async () => {
    for (; !end.signal.aborted; count++) {
      await client.publish(topic, String(count), { qos: 2 })
      await sleep(PUBLISH_EVERY_MS)
    }
  })()
  return {
    /** Those that are acknowledged. */
    count: () => count,
    async stop(): Promise<void> {
      end.abort()
      await all
    },
  }
}

interface Way {
  readonly topic: string
  readonly reader: RawClient
  readonly author: ReturnType<typeof publishOn>
  /** Messages that came. */
  came: number
}

/** Receives until `count` messages came: each of them once, and in order. */
async function readTo(count: number, way: Way): Promise<void> {
  for (; way.came < count; way.came++)
    assert.equal(textOf(await way.reader.receive({ topic: way.topic })), String(way.came))
}

async function until(isTrue: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, what())
    await sleep(PUBLISH_EVERY_MS)
  }
}

const untilLog = (broker: BrokerProcess, pattern: RegExp): Promise<void> =>
  until(
    () => pattern.test(broker.log()),
    () => `${pattern} is not in:\n${broker.log()}`,
  )

test(
  'a network that is cut in silence is found out by keep alive; nothing is lost, nothing at QoS 2 comes twice',
  { skip: why !== '' && why },
  async (context) => {
    await startThere(context)
    const here = await startBroker(
      `connection b\naddress ${LINK.theirs}:${PORT}\nremote_clientid edge\nkeepalive_interval 5\nrestart_timeout 1\n` +
        `bridge_protocol_version mqttv50\ntopic ab out 2\ntopic ba in 2`,
    )
    context.after(() => here.stop())
    await untilUp(here, 'edge')
    const enterHere = () => enter('127.0.0.1', here.port)
    const enterThere = () => enter(WATCH.theirs, PORT)
    const ways = await Promise.all(
      [
        { topic: 'ab', from: enterHere, to: enterThere },
        { topic: 'ba', from: enterThere, to: enterHere },
      ].map(async ({ topic, from, to }): Promise<Way> => {
        const reader = await to()
        await reader.subscribe({ filter: topic, qos: 2 })
        return { topic, reader, author: publishOn(await from(), topic), came: 0 }
      }),
    )
    for (const way of ways) await readTo(AROUND, way)
    assert.equal(inSpace('link', 'set', LINK.device, 'down'), '')
    const cutAt = ways.map(({ author }) => author.count())
    await untilLog(here, /Bridge b: .*no sign of life from the remote/)
    // Both authors went on while nothing could cross.
    for (const [index, { author, topic }] of ways.entries())
      await until(
        () => author.count() >= cutAt[index] + AROUND,
        () => `nothing is published on ${topic}`,
      )
    assert.equal(inSpace('link', 'set', LINK.device, 'up'), '')
    await untilUp(here, 'edge')
    for (const way of ways) {
      const { author, reader } = way
      await readTo(author.count() + AROUND, way)
      await author.stop()
      await readTo(author.count(), way)
      await reader.ping()
      assert.deepEqual(reader.inbox, [])
    }
  },
)
