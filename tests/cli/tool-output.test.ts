/** What the tools write: payloads, packets, on a terminal. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import * as make from '../support/packets.ts'
import { AT_LAST, runTool, startTool } from './tool-process.ts'
import { processMsMax } from '../support/patience.ts'
import { directory, freshTopic, place, client, retained, shown } from './tools-stage.ts'

const run = promisify(execFile)
const bin = join(process.cwd(), 'bin')

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
    const fifo = join(directory, topic.replace('/', '-'))
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
