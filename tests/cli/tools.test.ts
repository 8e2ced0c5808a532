/** What pub, sub and rr do beyond mosquitto's tools, or better. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  createWriteStream,
  existsSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { AT_LAST, runTool, startTool } from './tool-process.ts'
import { processMsMax } from '../support/patience.ts'

const run = promisify(execFile)
const bin = join(process.cwd(), 'bin')

let broker: BrokerProcess
let directory: string
let serial = 0

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mozzie-tools-'))
  broker = await startBroker(`listener 0 ${join(directory, 'socket')}\nallow_anonymous true`)
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

const freshTopic = (): string => `tools/${++serial}`
const place = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port)]

/** Nothing listens there. */
async function closedPort(): Promise<string> {
  return String(await freePort())
}

async function client(version: 4 | 5 = 4): Promise<RawClient> {
  const raw = await RawClient.open(broker.port, version)
  raw.send(make.connect(version, {}))
  await raw.expect('connack', { code: 0 })
  return raw
}

async function retained(payload: string | Uint8Array): Promise<string> {
  const topic = freshTopic()
  const raw = await client()
  await raw.publish(topic, payload, { retain: true, qos: 1 })
  raw.destroy()
  return topic
}

/** What sub prints of one retained message. */
async function shown(payload: string | Uint8Array, ...flags: string[]) {
  const topic = await retained(payload)
  const args = [...place(), '-t', topic, '-C', '1', ...AT_LAST, ...flags]
  return { topic, ...(await runTool('mozzie', 'sub', args)) }
}

describe('payload formats', { concurrency: 3 }, () => {
  const json = '{"t":21.5,"on":true,"list":[1,null,"é"]}'
  for (const [format, typed, sent, printed] of [
    ['json', ' {"a": 1} ', Buffer.from('{"a":1}'), '{"a":1}'],
    ['hex', 'DE ad', Uint8Array.of(0xde, 0xad), 'dead'],
    ['base64', '3q0=', Uint8Array.of(0xde, 0xad), '3q0='],
    ['cbor', '{"a":[1,2.5]}', Buffer.from('a161618201f94100', 'hex'), '{"a":[1,2.5]}'],
    ['msgpack', '{"a":[1,true]}', Buffer.from('81a1619201c3', 'hex'), '{"a":[1,true]}'],
    ['cbor', json, null, json],
    ['msgpack', json, null, json],
  ] as const) {
    test(`--format ${format} sends and prints ${printed}`, async () => {
      const topic = freshTopic()
      const raw = await client()
      await raw.subscribe(topic)
      const args = [...place(), '-t', topic, '--format', format]
      const { code } = await runTool('mozzie', 'pub', [...args, '-m', typed, '-r', '-q', '1'])
      assert.equal(code, 0)
      const { payload } = await raw.receive({ topic })
      if (sent !== null) assert.deepEqual(Buffer.from(payload), Buffer.from(sent))
      const { stdout } = await runTool('mozzie', 'sub', [...args, '-C', '1', ...AT_LAST])
      assert.equal(Buffer.from(stdout, 'latin1').toString(), `${printed}\n`)
      raw.destroy()
    })
  }

  test('CBOR that JSON has no words for is still printed', async () => {
    // {1: h'6869', "t": 0("2026"), "n": 18446744073709551616, "x": 999(undefined)}
    const cbor = 'a4014268696174c06432303236616ec2490100000000000000006178d903e7f7'
    const { stdout } = await shown(Buffer.from(cbor, 'hex'), '--format', 'cbor')
    assert.equal(stdout, '{"1":"aGk=","t":"2026","n":18446744073709551616,"x":null}\n')
  })

  test('a number of CBOR that nobody could read is printed as its bytes: to write it takes hours', async () => {
    const tagged = (tag: number, length: number) =>
      Buffer.concat([
        Buffer.from([0xc0 | tag, 0x59, length >> 8, length & 0xff]),
        Buffer.alloc(length, 0xff),
      ])
    const payload = Buffer.concat([
      Buffer.from([0x83]),
      tagged(3, 2),
      tagged(2, 1024),
      tagged(2, 1025),
    ])
    const { stdout } = await shown(payload, '--format', 'cbor')
    const largest = (1n << (1024n * 8n)) - 1n
    assert.equal(stdout, `[-65536,${largest},"${Buffer.alloc(1025, 0xff).toString('base64')}"]\n`)
  })

  for (const [format, payload, name] of [
    ['cbor', '\u0018', 'CBOR'],
    ['msgpack', '\u00c1', 'MessagePack'],
    ['json', '{', 'JSON'],
  ] as const) {
    test(`what is no ${name} is an error on standard error, and nothing else`, async () => {
      const { topic, stdout, stderr } = await shown(payload, '--format', format)
      const line = `Error: Message payload is not valid ${name} on topic ${topic}.\n`
      assert.deepEqual([stdout, stderr], ['', line])
    })
  }

  test('pub refuses what it cannot make into the format', async () => {
    const args = [...place(), '-t', 'a', '-m', '{"a":', '--format', 'cbor']
    const { code, stderr } = await runTool('mozzie', 'pub', args)
    assert.equal(code, 1)
    assert.match(stderr, /^Error: Message is not valid JSON\.\n/)
  })
})

describe('output', { concurrency: 3 }, () => {
  test('--output jsonl keeps bytes that are no text', async () => {
    const { topic, stdout } = await shown(Uint8Array.of(255, 0, 10), '--output', 'jsonl')
    const line = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(stdout.indexOf('\n'), stdout.length - 1)
    assert.equal(line['topic'], topic)
    assert.equal(line['payload_base64'], '/wAK')
    assert.equal(line['retain'], true)
    assert.match(String(line['tst']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/)
  })

  test('--output jsonl has text as text, and decoded formats as JSON', async () => {
    const parse = (text: string) => (JSON.parse(text) as Record<string, unknown>)['payload']
    assert.equal(parse((await shown('a\nb', '--output', 'jsonl')).stdout), 'a\nb')
    const cbor = await shown(
      Buffer.from('a1616101', 'hex'),
      '--output',
      'jsonl',
      '--format',
      'cbor',
    )
    assert.deepEqual(parse(cbor.stdout), { a: 1 })
  })

  test('--pretty indents JSON payloads of a format', async () => {
    const { stdout } = await shown('{"a":1}', '--format', 'json', '--pretty')
    assert.equal(stdout, '{\n\t"a":\t1\n}\n')
  })

  test('--message-rate prints counts, not messages', async () => {
    const topic = freshTopic()
    const args = [...place(), '-t', `${topic}/#`, '--message-rate']
    const running = startTool('mozzie', 'sub', args)
    const raw = await client()
    const knock = setInterval(() => raw.send(make.publish(`${topic}/x`, 'secret')), 50)
    await running.printed('msgs/s\n')
    await running.printed('msgs/s\n')
    clearInterval(knock)
    running.kill('SIGTERM')
    raw.destroy()
    const { code, stdout } = await running.outcome
    assert.equal(code, 0)
    assert.match(stdout, /^(?:\d+ msgs\/s\n)+$/)
  })

  test('--watch gives each topic a line of its own', async () => {
    const topic = freshTopic()
    const raw = await client()
    for (const name of ['a', 'b'])
      await raw.publish(`${topic}/${name}`, `1${name}`, { retain: true, qos: 1 })
    const running = startTool('mozzie', 'sub', [...place(), '-t', `${topic}/#`, '--watch'])
    await running.printed('1a')
    await running.printed('1b')
    await raw.publish(`${topic}/a`, '2a')
    await running.printed('2a')
    running.kill('SIGTERM')
    raw.destroy()
    const { stdout } = await running.outcome
    assert.ok(stdout.startsWith('\u001b[2J\u001b[1;1HBroker: 127.0.0.1\n'))
    const rowOf = (payload: string) =>
      new RegExp(`\\u001b\\[(\\d+);1H\\u001b\\[2K${topic}/\\w ${payload}`).exec(stdout)?.[1]
    assert.equal(rowOf('1a'), rowOf('2a'))
    assert.notEqual(rowOf('1a'), rowOf('1b'))
    assert.deepEqual([rowOf('1a'), rowOf('1b')].sort(), ['2', '3'])
  })

  test('a reader that leaves ends sub quietly', async () => {
    const topic = await retained('x')
    const line = `${process.execPath} ${bin}/mozzie_sub ${place().join(' ')} -t ${topic} -t '${topic}/#' | head -c 1; echo "\${PIPESTATUS[0]}"`
    const publisher = await client()
    const knock = setInterval(() => publisher.send(make.publish(`${topic}/x`, 'y')), 30)
    const { stdout, stderr } = await run('bash', ['-c', line], { timeout: processMsMax })
    clearInterval(knock)
    publisher.destroy()
    assert.deepEqual([stdout, stderr], ['x141\n', ''])
  })
})

const scriptMissing = existsSync('/usr/bin/script') ? false : 'script (util-linux) is not installed'

/** What a tool writes when all of it goes to a terminal. */
async function onTerminal(command: string): Promise<string> {
  const args = ['-qec', `${process.execPath} ${bin}/${command}`, '/dev/null']
  const env = { ...process.env, HOME: '/nonexistent', NO_COLOR: '' }
  const { stdout } = await run('script', args, { env, timeout: processMsMax })
  return stdout
}

describe('on a terminal', () => {
  test(
    'control characters of messages are shown, not obeyed',
    { skip: scriptMissing },
    async () => {
      const topic = await retained('\u001b[31mred\rx\u009b\u202e\tend\nline')
      const common = `${place().join(' ')} -t ${topic} -C 1 ${AT_LAST.join(' ')}`
      const plain = await onTerminal(`mozzie_sub ${common}`)
      assert.equal(plain, '\\x1b[31mred\\x0dx\\x9b\\u202e\tend\r\nline\r\n')
      const json = await onTerminal(`mozzie_sub ${common} --output jsonl`)
      assert.match(json, /"payload":"\\u001b\[31mred\\rx\\u009b\\u202e\\tend\\nline"/)
    },
  )

  test(
    'what turns the direction of writing is shown in the lines of -d too',
    { skip: scriptMissing },
    async () => {
      const topic = `turned/\u202e${Date.now()}`
      await run(process.execPath, [`${bin}/mozzie_pub`, ...place(), '-t', topic, '-m', 'x', '-r'])
      const common = `${place().join(' ')} -d -C 1 ${AT_LAST.join(' ')} -t turned/+`
      const shown = await onTerminal(`mozzie_sub ${common}`)
      assert.ok(shown.includes('turned/\\u202e') && !shown.includes('\u202e'), shown)
    },
  )

  test('bytes that are no UTF-8 are shown one by one', { skip: scriptMissing }, async () => {
    const topic = await retained(Uint8Array.of(0x61, 0xff, 0x1b, 0xc3))
    const out = await onTerminal(
      `mozzie_sub ${place().join(' ')} -t ${topic} -C 1 ${AT_LAST.join(' ')}`,
    )
    assert.equal(out, 'a\\xff\\x1b\\xc3\r\n')
  })

  /** Two lines, the second one long after the first has arrived; resolves to all that pub writes. */
  async function slowLines(onTheTerminal: boolean): Promise<string> {
    const topic = freshTopic()
    const fifo = join(directory, `fifo${serial}`)
    await run('mkfifo', [fifo])
    const raw = await client()
    await raw.subscribe(topic)
    const pub = `${process.execPath} ${bin}/mozzie_pub ${place().join(' ')} -t ${topic} -l < ${fifo}`
    const [file, args] = onTheTerminal
      ? ['script', ['-qec', pub, '/dev/null']]
      : ['bash', ['-c', `${pub} 2>&1`]]
    const ended = run(file, args, {
      env: { ...process.env, HOME: '/nonexistent' },
      timeout: processMsMax,
    })
    const input = createWriteStream(fifo)
    input.write('a\n')
    await raw.receive({ topic, payload: 'a' })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    input.end('b\n')
    await raw.receive({ topic, payload: 'b' })
    raw.destroy()
    return (await ended).stdout
  }

  test('a long input shows how far it is, never when piped', { skip: scriptMissing }, async () => {
    assert.match(await slowLines(true), /2 lines, 2 B, \d+\/s/)
    assert.equal(await slowLines(false), '')
  })

  test('help is coloured, elsewhere it is not', { skip: scriptMissing }, async () => {
    assert.ok((await onTerminal('mozzie_pub --help; true')).includes('\u001b[1mUsage:'))
    const { stdout, code } = await runTool('mozzie', 'pub', ['--help'])
    assert.equal(code, 1)
    assert.ok(stdout.startsWith('Usage: mozzie_pub -t TOPIC'))
    assert.ok(!stdout.includes('\u001b'))
  })
})

/** A way to the broker that is cut off each time so many bytes went to it. */
async function flakyProxy(
  bytesMax: number,
): Promise<{ port: number; cuts: () => number; close: () => void }> {
  let cuts = 0
  const server = createServer((inner) => {
    const outer = connectSocket(broker.port, '127.0.0.1')
    let bytes = 0
    const end = (): void => {
      inner.destroy()
      outer.destroy()
    }
    inner.on('error', end).on('close', end)
    outer.on('error', end).on('close', end)
    outer.pipe(inner)
    inner.on('data', (chunk) => {
      bytes += chunk.length
      if (bytes <= bytesMax) return void outer.write(chunk)
      cuts++
      end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, cuts: () => cuts, close: () => server.close() }
}

/** Accepts, and never acknowledges a message. */
async function silentBroker(): Promise<{
  port: number
  publishes: () => number
  close: () => void
}> {
  let text = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Uint8Array.of(0x20, 2, 0, 0)))
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, publishes: () => text.split('line').length - 1, close }
}

describe('pub -l', { concurrency: 2 }, () => {
  test('comes back after a lost connection and loses no line at QoS 1', async () => {
    const topic = freshTopic()
    const raw = await client()
    await raw.subscribe({ filter: topic, qos: 1 })
    const proxy = await flakyProxy(1500)
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`)
    const args = ['-h', '127.0.0.1', '-p', String(proxy.port), '-t', topic, '-l', '-q', '1']
    const sending = runTool('mozzie', 'pub', args, lines.join('\n'))
    const got: string[] = []
    while (got.at(-1) !== lines.at(-1)) {
      const { payload } = await raw.receive({ topic })
      got.push(Buffer.from(payload).toString())
    }
    const outcome = await sending
    proxy.close()
    raw.destroy()
    assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' })
    assert.ok(proxy.cuts() > 0, 'the connection was cut')
    assert.deepEqual([...new Set(got)], lines)
  })

  test('reads no faster than the broker acknowledges', async () => {
    const silent = await silentBroker()
    const args = ['-h', '127.0.0.1', '-p', String(silent.port), '-t', 'a', '-l', '-q', '1']
    const running = startTool('mozzie', 'pub', args)
    running.stdin.write(`line ${'x'.repeat(100)}\n`.repeat(100_000))
    while (silent.publishes() < 20) await new Promise((resolve) => setTimeout(resolve, 20))
    // Were there no window, a hundred thousand lines would be on their way in this time.
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(silent.publishes(), 20)
    assert.ok((running.stdin as unknown as { writableLength: number }).writableLength > 1_000_000)
    running.kill('SIGKILL')
    await running.outcome
    silent.close()
  })
})

describe('settings', { concurrency: 3 }, () => {
  test('the options file comes first, the command line has the last word', async () => {
    const topic = freshTopic()
    const file = join(directory, 'mosquitto_pub')
    const lines = ['# comment', `-p ${broker.port}`, '-h 127.0.0.1', '-t other', '-m from the file']
    writeFileSync(file, `${lines.join('\n')}\n-D publish user-property key some value\n`)
    const raw = await client(5)
    await raw.subscribe(topic)
    const running = startTool('mozzie', 'pub', ['-t', topic], { XDG_CONFIG_HOME: directory })
    assert.equal((await running.outcome).code, 0)
    const { payload, properties } = await raw.receive({ topic })
    assert.equal(Buffer.from(payload).toString(), 'from the file')
    assert.deepEqual(properties.userProperties, [['key', 'some value']])
    raw.destroy()
  })

  test('what is wrong in an options file is said with file and line', async () => {
    const file = join(directory, 'wrong')
    writeFileSync(file, '-q 1\n\n-k 2\n')
    const { code, stderr } = await runTool('mozzie', 'pub', ['-o', file])
    assert.equal(code, 1)
    assert.ok(stderr.includes(`It stands in ${file}, line 3.`))
    const missing = await runTool('mozzie', 'pub', ['-o', join(directory, 'nothing')])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^Error: Unable to open options file/)
  })

  test('through a link named mosquitto_sub it is sub, and says so', async () => {
    const link = join(directory, 'mosquitto_sub')
    symlinkSync(join(bin, 'mozzie'), link)
    const failed = run(process.execPath, [link], { env: { HOME: '/nonexistent' } })
    await assert.rejects(failed, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.ok(error.stderr.endsWith("\nUse 'mosquitto_sub --help' to see usage.\n"))
      return true
    })
  })

  test(
    'a payload keeps bytes that are no UTF-8',
    { skip: process.platform !== 'linux' },
    async () => {
      const topic = freshTopic()
      const raw = await client()
      await raw.subscribe(topic)
      const line = `exec ${process.execPath} ${bin}/mozzie_pub ${place().join(' ')} -t ${topic} -m $'\\xff\\xfe!'`
      await run('bash', ['-c', line])
      const { payload } = await raw.receive({ topic })
      assert.deepEqual([...payload], [0xff, 0xfe, 0x21])
      raw.destroy()
    },
  )

  test('--unix connects to a socket', async () => {
    const topic = await retained('by socket')
    const args = ['--unix', join(directory, 'socket'), '-t', topic, '-C', '1', ...AT_LAST]
    const outcome = await runTool('mozzie', 'sub', args)
    assert.deepEqual(outcome, { code: 0, stdout: 'by socket\n', stderr: '' })
  })

  test('--quiet keeps standard error empty', async () => {
    const args = ['-h', '127.0.0.1', '-p', await closedPort(), '-t', 'a', '-m', 'b', '--quiet']
    assert.deepEqual(await runTool('mozzie', 'pub', args), { code: 1, stdout: '', stderr: '' })
  })
})

describe('errors say what to do', { concurrency: 3 }, () => {
  for (const [flags, first, hint] of [
    [
      '-h 127.0.0.1 -p CLOSED',
      'Error: Connection refused',
      /^Nothing accepts connections at 127\.0\.0\.1:\d+:/,
    ],
    ['--unix /no-such-place/socket', 'Error: No such file or directory', /\/no-such-place\/socket/],
    ['-P secret', 'Error: Problem setting username and/or password.', /user name/],
    [
      '--cafile /no-such-place',
      'Error: Problem setting TLS options: File not found.',
      /\/no-such-place/,
    ],
    [
      '--cafile /etc/passwd',
      'Error: Problem setting TLS options, check the options are valid.',
      /no certificate/,
    ],
    [
      '--tls-version tlsv1 -p 8883',
      'Error: Problem setting TLS options, check the options are valid.',
      /tlsv1\.2 or tlsv1\.3/,
    ],
    [
      '--tls-version tlsv1',
      'Error: Problem setting TLS options, check the options are valid.',
      /tlsv1\.2 or tlsv1\.3/,
    ],
    [
      '--tls-engine x',
      'Error: Problem setting TLS engine, is x a valid engine?',
      /OpenSSL 3 has no engines/,
    ],
    ['--psk zz --psk-identity me', 'Error: Problem setting TLS-PSK options.', /hexadecimal/],
    ['--proxy socks5h://127.0.0.1:CLOSED', 'Error: Connection refused', /proxy 127\.0\.0\.1:\d+/],
  ] as const) {
    test(`pub ${flags}`, async () => {
      const words = flags.replace('CLOSED', await closedPort()).split(' ')
      const args = ['-t', 'a', '-m', 'b', ...words]
      const { code, stderr } = await runTool('mozzie', 'pub', args)
      const [line, advice] = stderr.split('\n')
      assert.equal(line, first)
      assert.match(advice, hint)
      assert.equal(code, 1)
    })
  }
})

describe('sub', { concurrency: 3 }, () => {
  test('-C leaves what is beyond it with the broker, in 3.1.1 too', async () => {
    const topic = freshTopic()
    const common = [...place(), '-t', topic, '-i', `c${serial}`, '-c', '-q', '1', ...AT_LAST]
    assert.equal((await runTool('mozzie', 'sub', [...common, '-E'])).code, 0)
    const raw = await client()
    for (const payload of ['1', '2', '3']) await raw.publish(topic, payload, { qos: 1 })
    raw.destroy()
    const printed = []
    for (let count = 0; count < 3; count++)
      printed.push((await runTool('mozzie', 'sub', [...common, '-C', '1'])).stdout)
    assert.deepEqual(printed, ['1\n', '2\n', '3\n'])
  })

  test('-C with --remove-retained ends when the message is cleared', async () => {
    const topic = await retained('old')
    const args = [...place(), '-t', topic, '-C', '1', ...AT_LAST, '--remove-retained']
    const outcome = await runTool('mozzie', 'sub', args)
    assert.deepEqual(outcome, { code: 0, stdout: 'old\n', stderr: '' })
    const again = await runTool('mozzie', 'sub', [...place(), '-t', topic, '-W', '1'])
    assert.equal(again.stdout, '')
  })

  test('a signal before the broker accepted ends with 255', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const running = startTool('mozzie', 'sub', ['-h', '127.0.0.1', '-p', String(port), '-t', 'a'])
    const [socket] = (await once(server, 'connection')) as [Socket]
    await once(socket, 'data')
    running.kill('SIGTERM')
    assert.deepEqual(await running.outcome, { code: 255, stdout: '', stderr: '' })
    socket.destroy()
    server.close()
  })
})
