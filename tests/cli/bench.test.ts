import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import fc from 'fast-check'
import { BenchConnection } from '../../src/cli/bench/connection.ts'
import { parseBound } from '../../src/cli/bench/fail-if.ts'
import { Histogram } from '../../src/cli/bench/histogram.ts'
import { BenchUsageError, parseBench } from '../../src/cli/bench/options.ts'
import type { WireEvents } from '../../src/client/ports.ts'
import { PacketType } from '../../src/codec/packets.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { processMsMax } from '../support/patience.ts'

const bin = join(process.cwd(), 'bin', 'mozzie')

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function bench(...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const args = [bin, 'bench', ...words]
    execFile(process.execPath, args, { timeout: processMsMax }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

test('a percentile is at most a thirty-second off', () => {
  const times = fc.array(fc.integer({ min: 0, max: 5_000_000 }), { minLength: 1, maxLength: 400 })
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (samples, share) => {
      const histogram = new Histogram()
      for (const us of samples) histogram.record(us)
      const exact = [...samples].sort((a, b) => a - b)[Math.ceil(share * samples.length) - 1]
      const told = histogram.percentile(share)
      assert.ok(told >= exact && told <= exact * (1 + 1 / 32) + 1, `${told} for ${exact}`)
    }),
  )
})

test('histograms of several threads add up', () => {
  const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()]
  for (let us = 1; us < 5000; us += 7) {
    both.record(us)
    ;(us % 2 === 0 ? left : right).record(us)
  }
  left.add(right)
  assert.deepEqual(left, both)
})

test('a PUBLISH that is cut off ends the connection that it came by', () => {
  const closed: string[] = []
  let received: WireEvents['received'] = () => {}
  const nothing = (): void => {}
  const wire = {
    write: () => true,
    pause: nothing,
    resume: nothing,
    end: nothing,
    destroy: nothing,
  }
  const dial = (events: WireEvents) => {
    received = events.received
    return wire
  }
  const receiver = {
    opened: nothing,
    message: nothing,
    subscribed: nothing,
    acknowledged: nothing,
    closed: (_: BenchConnection, error: Error | null) => void closed.push(error?.message ?? ''),
  }
  const connection = new BenchConnection(0, 5, dial, { type: PacketType.pingreq }, receiver)
  const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x80)
  received(publish, 0, publish.length)
  assert.deepEqual(closed, ['the broker sent a PUBLISH that is cut off'])
  assert.ok(connection.isClosed)
})

for (const [text, value, holds] of [
  ['p99>20ms', 20_001, true],
  ['p99>20ms', 20_000, false],
  ['p99.9 >= 1s', 1_000_000, true],
  ['max<5', 4, true],
  ['rate<=1000', 1001, false],
  ['lost>0', 1, true],
] as const)
  test(`the bound ${text} ${holds ? 'holds' : 'does not hold'} for ${value}`, () => {
    assert.equal(parseBound(text)?.holds(value), holds)
  })

for (const text of ['p99', 'p99=1', 'speed>1', 'p99>20 parsecs', 'p99>x'])
  test(`"${text}" is no bound`, () => assert.equal(parseBound(text), null))

for (const line of [
  '',
  'fly',
  'flow pub',
  'flow --qos 3',
  'flow -d soon',
  'flow --fail-if p99',
  'flow --clients 0',
  'flow --unknown',
  'flow -V 6',
])
  test(`"mozzie bench ${line}" is a usage error`, () => {
    assert.throws(() => parseBench(line.split(' ').filter(Boolean)), BenchUsageError)
  })

let broker: BrokerProcess
before(async () => (broker = await startBroker()))
after(() => broker.stop())

const quick = ['-d', '500ms', '--warm-up', '100ms', '--json']

async function run(...words: string[]) {
  const { code, stdout, stderr } = await bench(...quick, ...words, '-p', String(broker.port))
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as Record<string, number> & { problem: string | null }
}

/** Longer and longer, until a message went all the way within the time that is measured. */
async function runTimed(...words: string[]) {
  let figures = await run(...words)
  for (let seconds = 2; figures.samples === 0 && seconds < 60; seconds *= 2)
    figures = await run(...words, '-d', `${seconds}s`)
  return figures
}

for (const version of ['31', '311', '5'])
  for (const qos of ['0', '1', '2'])
    test(`a flow at QoS ${qos} by MQTT ${version} loses nothing and is timed`, async () => {
      const figures = await runTimed('flow', '-q', qos, '-V', version, '-c', '3')
      assert.equal(figures.problem, null)
      assert.equal(figures.connected, 6)
      assert.equal(figures.lost, 0)
      assert.ok(figures.received > 0 && figures.received === figures.sent)
      assert.ok(figures.p50 > 0 && figures.p50 <= figures.p99 && figures.p99 <= figures.max)
    })

test('an open loop keeps to its rate', async () => {
  // No bound from below: a busy machine may not reach a rate, but nothing goes beyond it.
  const figures = await run('flow', '-q', '2', '--rate', '1000', '-d', '1s', '-c', '5')
  assert.equal(figures.problem, null)
  assert.ok(figures['sent-rate'] > 0 && figures['sent-rate'] < 1100, `${figures['sent-rate']}/s`)
})

test('each message of one publisher comes to all subscribers', async () => {
  const figures = await run('flow', '--publishers', '1', '--subscribers', '7')
  assert.equal(figures.received, 7 * figures.sent)
})

test('threads share a load', async () => {
  const figures = await run('flow', '-c', '4', '--threads', '2')
  assert.equal(figures.connected, 8)
  assert.equal(figures.lost, 0)
  assert.ok(figures.received > 0)
})

test('connections are counted and timed', async () => {
  const figures = await run('conn', '-c', '50')
  assert.deepEqual([figures.connected, figures.errors, figures.samples], [50, 0, 50])
})

test('acknowledgements are timed where nobody receives', async () => {
  const figures = await runTimed('pub', '-q', '1', '-c', '2')
  assert.ok(figures.acked > 0 && figures.samples > 0)
})

test('a bound that holds is exit code 1, and said', async () => {
  const { code, stderr } = await bench(
    'flow',
    ...quick,
    '-p',
    String(broker.port),
    '--fail-if',
    'max>1us',
  )
  assert.equal(code, 1)
  assert.match(stderr, /^Failed: max>1us \(max is \d+\)\.$/m)
})

test('a broker that is not there is exit code 1, and said', async () => {
  const { code, stdout } = await bench('conn', '-c', '1', '-p', '1', '-d', '100ms')
  assert.equal(code, 1)
  assert.match(stdout, /first problem: +connect ECONNREFUSED/)
})

test('what cannot be understood is exit code 2 and points to the help', async () => {
  const { code, stderr } = await bench('flow', '--qos', '9')
  assert.equal(code, 2)
  assert.match(stderr, /--qos must be .*\nTry "mozzie bench --help"\.\n$/)
})
