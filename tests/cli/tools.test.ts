/** What pub, sub and rr do beyond mosquitto's tools, or better. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { AT_LAST, runTool, startTool } from './tool-process.ts'
import {
  broker,
  directory,
  freshTopic,
  place,
  closedPort,
  client,
  retained,
} from './tools-stage.ts'

const run = promisify(execFile)
const bin = join(process.cwd(), 'bin')

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
    const common = [...place(), '-t', topic, '-i', topic, '-c', '-q', '1', ...AT_LAST]
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
