import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { LogType, type Log } from '../../src/base/log.ts'
import type { Link, ListenerOptions } from '../../src/ports/ports.ts'
import type { LinkCore } from '../../src/transports/core.ts'
import {
  FULL_READS_PER_TURN,
  READ_BUFFER_BYTES,
  readInto,
} from '../../src/transports/read-buffer.ts'
import { AddressBudget } from '../../src/transports/address-budget.ts'
import { ConnectionRate } from '../../src/transports/connection-rate.ts'
import type { EntranceSettings } from '../../src/transports/entrance.ts'
import { listen as listenAt } from '../../src/transports/listener.ts'
import { ListenError } from '../../src/transports/places.ts'
import { until } from './run-mozzie.ts'
import { gone } from '../support/sockets.ts'

const listener: ListenerOptions = {
  port: 0,
  allowAnonymous: true,
  allowZeroLengthClientId: true,
  autoIdPrefix: 'auto-',
  acceptVersions: [3, 4, 5],
  maxQos: 2,
  topicAliasMaximum: 10,
  topicAliasMaximumOut: 10,
  useUsernameAsClientId: false,
  mountPoint: '',
  usernameFrom: 'connect',
}

/** A core that records what a link tells it. */
interface Recorder extends LinkCore<Link> {
  readonly links: Link[]
  readonly received: Buffer[]
  readonly closed: string[]
  drained: number
  onReceive: (link: Link, bytes: Buffer) => void
}

function newRecorder(): Recorder {
  const recorder: Recorder = {
    links: [],
    received: [],
    closed: [],
    drained: 0,
    onReceive: () => {},
    accept(link) {
      recorder.links.push(link)
      return link
    },
    receive(link, bytes, start, end) {
      const copy = Buffer.from(bytes.slice(start, end))
      recorder.received.push(copy)
      recorder.onReceive(link, copy)
    },
    linkDrained: () => void recorder.drained++,
    whenAnswered: (_link, then) => then(),
    linkClosed: (_link, reason) => void recorder.closed.push(reason),
  }
  return recorder
}

interface Setup {
  readonly core: Recorder
  readonly lines: string[]
  readonly port: number
}

const anyPort = {
  where: { host: '127.0.0.1', port: 0, socketPath: null, family: null, networkInterface: null },
  optional: false,
}

function entranceOf(
  core: Recorder,
  log: Log,
  options: ListenerOptions,
  max: number,
  rate = new ConnectionRate(0),
) {
  return {
    owner: { core, listener: options },
    settings: { proxy: null, tls: null, web: null, auto: false },
    log,
    own: { max, open: 0 },
    all: { max: 0, open: 0 },
    addresses: new AddressBudget(),
    rate,
    sockets: { max: 0, open: 0 },
    waiting: new Set<Socket>(),
    arriving: new Set<Socket>(),
    denied: () => {},
    stageMsMax: () => 10_000,
  }
}

async function listen(
  context: TestContext,
  max = 0,
  rate?: ConnectionRate,
  settings?: Partial<EntranceSettings>,
): Promise<Setup> {
  const core = newRecorder()
  const lines: string[] = []
  const log: Log = { mask: LogType.notice, write: (_type, text) => void lines.push(text) }
  const options = { ...listener }
  const entrance = entranceOf(core, log, options, max, rate)
  Object.assign(entrance.settings, settings)
  const running = await listenAt(anyPort, entrance)
  context.after(() => {
    running.close()
    for (const link of core.links) link.end()
  })
  return { core, lines, port: options.port }
}

async function open(context: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  context.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const explain = (core: Recorder) => (): string =>
  JSON.stringify({ closed: core.closed, received: core.received.length, drained: core.drained })

test('this Node reads accepted sockets into the shared buffer', async (context) => {
  const { core, port } = await listen(context)
  await open(context, port)
  await until(() => core.links.length === 1, explain(core))
  const { socket } = core.links[0] as unknown as { socket: Socket }
  assert.equal(
    readInto(socket, () => {}),
    true,
  )
})

test('what a link is given arrives, and the array is free at once', async (context) => {
  const { core, port } = await listen(context)
  core.onReceive = (link, bytes) => assert.equal(link.write(bytes, bytes.length), true)
  const socket = await open(context, port)
  socket.write('echo')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'echo')
  assert.deepEqual(core.received.map(String), ['echo'])
})

test('an array that the kernel cannot take is kept until linkDrained', async (context) => {
  const { core, port } = await listen(context)
  const socket = await open(context, port)
  socket.pause()
  await until(() => core.links.length === 1, explain(core))
  const bytes = new Uint8Array(32 << 20).fill(7)
  assert.equal(core.links[0].write(bytes, bytes.length), false)
  assert.equal(core.drained, 0)
  let total = 0
  socket.on('data', (chunk) => (total += chunk.length))
  socket.resume()
  await until(() => core.drained === 1 && total === bytes.length, explain(core))
  assert.equal(core.links[0].write(bytes.fill(8), 5), true)
})

test('a paused link reads nothing until it is resumed', async (context) => {
  const { core, port } = await listen(context)
  core.onReceive = (link, bytes) => {
    if (String(bytes) === 'first') link.pause()
  }
  const socket = await open(context, port)
  socket.write('first')
  await until(() => core.received.length === 1, explain(core))
  socket.write('second')
  const other = await open(context, port)
  for (const [index, text] of ['one', 'two'].entries()) {
    other.write(text)
    await until(() => core.received.length === index + 2, explain(core))
  }
  core.links[0].resume()
  await until(() => core.received.length === 4, explain(core))
  assert.deepEqual(core.received.map(String), ['first', 'one', 'two', 'second'])
})

test('what was written before end arrives, then the connection closes', async (context) => {
  const { core, port } = await listen(context)
  const bytes = new Uint8Array(1 << 20).fill(1)
  core.onReceive = (link) => {
    link.write(bytes, bytes.length)
    link.end()
    assert.equal(link.write(bytes, bytes.length), true)
  }
  const socket = await open(context, port)
  let total = 0
  socket.on('data', (chunk) => (total += chunk.length))
  socket.write('go')
  await once(socket, 'end')
  assert.equal(total, bytes.length)
  socket.end()
  await until(() => core.closed.length === 1, explain(core))
})

test('a peer that keeps its side open is gone two seconds after end', async (context) => {
  const { core, port } = await listen(context)
  const socket = await open(context, port)
  await until(() => core.links.length === 1, explain(core))
  const start = performance.now()
  core.links[0].end()
  socket.resume()
  await until(() => core.closed.length === 1, explain(core))
  const elapsedMs = performance.now() - start
  assert.ok(elapsedMs > 1900, `${elapsedMs}`)
})

test('a peer that closes its side gets what it asked for, and linkClosed comes once', async (context) => {
  const { core, port } = await listen(context)
  core.onReceive = (link, bytes) => void setImmediate(() => link.write(bytes, bytes.length))
  const socket = await open(context, port)
  socket.end('last words')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'last words')
  await until(() => core.closed.length > 0, explain(core))
  assert.deepEqual(core.closed, ['connection closed by client'])
  assert.doesNotThrow(() => core.links[0].write(chunk, chunk.length))
})

test('a reset is told in the words of strerror', async (context) => {
  const { core, port } = await listen(context)
  const socket = await open(context, port)
  await until(() => core.links.length === 1, explain(core))
  socket.resetAndDestroy()
  await until(() => core.closed.length === 1, explain(core))
  assert.deepEqual(core.closed, ['Connection reset by peer'])
})

test('a flood of one connection lets others have their turn', async (context) => {
  const { core, port } = await listen(context)
  const flood = await open(context, port)
  const total = 16 << 20
  let before = 0
  let bytesBetweenTurns = 0
  let most = 0
  core.onReceive = (_link, bytes) => {
    before += bytes.length
    bytesBetweenTurns += bytes.length
    most = Math.max(most, bytesBetweenTurns)
    if (bytesBetweenTurns === bytes.length) setImmediate(() => (bytesBetweenTurns = 0))
  }
  flood.write(Buffer.alloc(total))
  await until(() => before === total, explain(core))
  assert.ok(most <= (FULL_READS_PER_TURN + 1) * READ_BUFFER_BYTES, `${most}`)
})

test('a connection beyond max_connections is closed, and one that leaves makes room', async (context) => {
  const { core, lines, port } = await listen(context, 1)
  const first = await open(context, port)
  const second = await open(context, port)
  await gone(second)
  assert.equal(core.links.length, 1)
  assert.deepEqual(
    lines.filter((line) => line.includes('denied')),
    ['Client connection from 127.0.0.1 denied: max_connections exceeded.'],
  )
  first.destroy()
  await until(() => core.closed.length === 1, explain(core))
  await open(context, port)
  await until(() => core.links.length === 2, explain(core))
})

test('a connection that has ended, and is not heard to its end yet, keeps its place', async (context) => {
  // Its first byte is read as a stream, so that its end is read ahead.
  const settings = { auto: true, web: { take: () => assert.fail() } }
  const { core, lines, port } = await listen(context, 1, undefined, settings)
  let ended = false
  core.onReceive = (link) => {
    link.pause()
    const { socket } = link as unknown as { socket: Socket }
    socket.once('end', () => (ended = true))
  }
  const first = await open(context, port)
  first.end(CONNECT)
  await until(() => ended, explain(core))
  await gone(await open(context, port))
  assert.equal(lines.filter((line) => line.includes('denied')).length, 1)
  core.links[0].resume()
  await until(() => core.closed.length === 1, explain(core))
  const next = await open(context, port)
  next.write(CONNECT)
  await until(() => core.links.length === 2, explain(core))
})

test('a host name that nobody knows is a ListenError', async () => {
  const where = { ...anyPort.where, host: 'no-such-host.invalid' }
  const log = { mask: 0, write: () => {} }
  const entrance = entranceOf(newRecorder(), log, listener, 0)
  await assert.rejects(listenAt({ where, optional: false }, entrance), ListenError)
})

test('nobody comes in before the listeners are released, then all do at their rate', async () => {
  for (const perSecond of [0, 1000]) {
    const rate = new ConnectionRate(perSecond)
    const entered: number[] = []
    rate.pause()
    for (let index = 0; index < 250; index++)
      assert.equal(rate.pass({ address: '', enter: () => entered.push(index) > 0 }), true)
    assert.deepEqual(entered, [])
    rate.resume()
    const all = new Promise<boolean>((resolve) =>
      rate.pass({ address: '', enter: () => (resolve(true), true) }),
    )
    const waits = setTimeout(() => {}, 10_000)
    await all
    clearTimeout(waits)
    assert.deepEqual(
      entered,
      Array.from({ length: 250 }, (_, index) => index),
    )
  }
})

/** A CONNECT of 3.1.1, and a PUBLISH at QoS 0. */
const CONNECT = Buffer.from('100f00044d515454040200000003636363', 'hex')
const PUBLISH = Buffer.from('3003000161', 'hex')

test('who left while it waited for its turn takes nobody’s place, who published before it left does', async (context) => {
  let nowUs = 1_000_000_000n
  const waiting: unknown[] = []
  const rate = new ConnectionRate(1, undefined, () => nowUs)
  const pass = rate.pass.bind(rate)
  rate.pass = (entrant) => (waiting.push(entrant), pass(entrant))
  const { core, port } = await listen(context, 0, rate)
  await open(context, port)
  await until(() => core.links.length === 1, explain(core))
  for (const said of [[], [CONNECT], [CONNECT, PUBLISH], []]) {
    const socket = await open(context, port)
    socket.end(Buffer.concat(said))
    await once(socket, 'finish')
  }
  const last = await open(context, port)
  last.write(CONNECT)
  await until(() => waiting.length === 6, explain(core))
  for (const links of [2, 3]) {
    nowUs += 1_000_000n
    await until(() => core.links.length === links, explain(core))
  }
  await until(() => core.received.length === 2, explain(core))
  assert.deepEqual(core.received, [Buffer.concat([CONNECT, PUBLISH]), CONNECT])
})
