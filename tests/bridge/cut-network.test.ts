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

/** Publishes 0, 1, 2, … at QoS 2 until it is told to stop; says how many. */
function publishOn(client: RawClient, topic: string): () => Promise<number> {
  const end = new AbortController()
  const all = (async () => {
    let count = 0
    for (; !end.signal.aborted; count++) {
      await client.publish(topic, String(count), { qos: 2 })
      await sleep(PUBLISH_EVERY_MS)
    }
    return count
  })()
  return () => {
    end.abort()
    return all
  }
}

async function untilLog(broker: BrokerProcess, pattern: RegExp): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!pattern.test(broker.log())) {
    assert.ok(performance.now() < deadline, `${pattern} is not in:\n${broker.log()}`)
    await sleep(50)
  }
}

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
      ].map(async ({ topic, from, to }) => {
        const reader = await to()
        await reader.subscribe({ filter: topic, qos: 2 })
        return { topic, reader, stop: publishOn(await from(), topic) }
      }),
    )
    await sleep(1000)
    assert.equal(inSpace('link', 'set', LINK.device, 'down'), '')
    await untilLog(here, /Bridge b: .*no sign of life from the remote/)
    assert.equal(inSpace('link', 'set', LINK.device, 'up'), '')
    await untilUp(here, 'edge')
    for (const { topic, reader, stop } of ways) {
      const sent = await stop()
      const came: string[] = []
      while (came.length < sent) came.push(textOf(await reader.receive({ topic })))
      assert.deepEqual(
        came,
        Array.from({ length: sent }, (_, index) => String(index)),
      )
      assert.ok(sent > 100, `${sent} messages`)
      await reader.ping()
      assert.deepEqual(reader.inbox, [])
    }
  },
)
