/**
 * The same command lines for our tools and for Debian's (2.0.11), against our broker and against mosquitto: the same
 * output, exit codes and packets, wherever 2.0 and 2.1 agree.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodePacket } from '../../src/codec/decode.ts'
import { readFrame } from '../../src/codec/frame.ts'
import type { ConnectPacket, Properties, Qos, Version } from '../../src/codec/packets.ts'
import { startBroker, type BrokerProcess, type Target } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import {
  AT_LAST,
  debianMissing,
  makers,
  runTool,
  runToGiveUp,
  startTool,
  type Maker,
  type Outcome,
  type ToolName,
} from './tool-process.ts'
import { usageErrors } from './usage-errors.ts'

const targets: readonly Target[] = existsSync('/usr/sbin/mosquitto')
  ? ['mozzie', 'mosquitto']
  : ['mozzie']

const firstLine = (text: string): string => text.split('\n').find((line) => line !== '') ?? ''

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ')
}

describe("Debian's tools refuse what ours refuse, in the same words", { concurrency: 4 }, () => {
  for (const { tool, words: args, error, unlikeDebian } of usageErrors) {
    if (unlikeDebian) continue
    test(`${tool} ${args.join(' ')}`, { skip: debianMissing }, async () => {
      const outcome = await runTool('debian', tool, args)
      assert.equal(outcome.code, 1)
      assert.equal(firstLine(outcome.stderr), error)
    })
  }
})

/** The first packet that a tool sends to a listener which never answers. */
async function connectPacketOf(maker: Maker, tool: ToolName, args: readonly string[]) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const running = startTool(maker, tool, ['-h', '127.0.0.1', '-p', String(port), ...args])
  try {
    const arrived = once(server, 'connection') as Promise<[Socket]>
    const [socket] = await Promise.race([
      arrived,
      running.outcome.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    const frame = { first: 0, bodyStart: 0, frameEnd: 0 }
    assert.ok(readFrame(bytes, 0, bytes.length, frame))
    assert.equal(frame.frameEnd, bytes.length, 'CONNECT comes alone')
    return decodePacket(4, frame.first, bytes, frame.bodyStart, frame.frameEnd, {
      fromClient: true,
    }) as ConnectPacket
  } finally {
    running.kill('SIGKILL')
    await running.outcome
    server.close()
  }
}

describe('the CONNECT of both makers is the same', { concurrency: 2 }, () => {
  const user = '-D connect user-property a b -D connect user-property a c'
  const lines: readonly (readonly [ToolName, string])[] = [
    ['pub', '-t a -m b'],
    ['pub', '-t a -m b -V mqttv31 -i me'],
    ['pub', '-t a -m b -V 5 -P secret'],
    ['pub', '-t a -m b -u name -P secret -k 77 -i me'],
    ['pub', '-t a -m b --will-topic w --will-payload gone --will-qos 1 --will-retain'],
    ['pub', `-t a -m b ${user} -D connect maximum-packet-size 1000`],
    ['pub', '-t a -m b -D will will-delay-interval 9 --will-topic w'],
    ['pub', '-t a -m b -D connect topic-alias-maximum 5'],
    ['sub', '-t a -V 5'],
    ['sub', '-t a -V 5 -C 3'],
    ['sub', '-t a -V 5 -C 30'],
    ['sub', '-t a -i me -c'],
    ['sub', '-t a -i me -c -V 5'],
    ['sub', '-t a -i me -c -V 5 -x 33'],
    ['sub', '-t a -D connect receive-maximum 9 -D connect request-problem-information 0'],
    ['rr', '-t a -e c -m b'],
  ]
  for (const [tool, line] of lines) {
    test(`${tool} ${line}`, { skip: debianMissing }, async () => {
      const [ours, debian] = await Promise.all(
        (['mozzie', 'debian'] as const).map((maker) => connectPacketOf(maker, tool, words(line))),
      )
      assert.deepEqual(ours, debian)
    })
  }

  test('MQTT 3.1 gets an id of 23 characters', async () => {
    const { clientId } = await connectPacketOf('mozzie', 'sub', ['-t', 'a', '-V', 'mqttv31'])
    assert.match(clientId, /^mosq-[0-9A-Za-z]{18}$/)
  })

  test('-I is a prefix of the process id', async () => {
    const { clientId } = await connectPacketOf('mozzie', 'sub', ['-t', 'a', '-I', 'x-'])
    assert.match(clientId, /^x-[0-9]+$/)
  })
})

let serial = 0
const freshTopic = (): string => `side/${process.pid}/${++serial}`

async function observer(broker: BrokerProcess, version: Version): Promise<RawClient> {
  const client = await RawClient.open(broker.port, version)
  client.send(make.connect(version, {}))
  await client.expect('connack', { code: 0 })
  return client
}

interface Retained {
  payload?: string | Uint8Array
  qos?: Qos
  properties?: Properties
}

/** Flags of sub, what is retained on the topic, and what is printed; `TOPIC` stands for the topic. */
type Receiving = readonly [flags: string, message: Retained, stdout: string]

const rich: Properties = {
  userProperties: [
    ['a', 'b'],
    ['c', 'd'],
  ],
  contentType: 'text',
  correlationData: Buffer.from('cd'),
  responseTopic: 'r/t',
  payloadFormat: 1,
}

const receivings: readonly Receiving[] = [
  ['', { payload: 'hello' }, 'hello\n'],
  ['-N', { payload: 'hello' }, 'hello'],
  ['-v', { payload: 'hello' }, 'TOPIC hello\n'],
  ['-v -N', { payload: 'hello' }, 'TOPIC hello'],
  ['', { payload: Uint8Array.of(0, 255, 27, 10) }, '\u0000\u00ff\u001b\n\n'],
  ['-F %t|%p|%l', { payload: 'hello' }, 'TOPIC|hello|5\n'],
  ['-N -F %x', { payload: 'jk' }, '6a6b'],
  ['-F %X', { payload: 'jk' }, '6A6B\n'],
  ['-F %q%r', { payload: 'x', qos: 1 }, '01\n'],
  ['-q 2 -F %q%r', { payload: 'x', qos: 1 }, '11\n'],
  ['-F %10p|%-10p|%3p|', { payload: 'abcdef' }, '    abcdef|abcdef    |abc|\n'],
  ['-F %05l|%-5l|%5l|', { payload: 'abcdef' }, '00006|6    |    6|\n'],
  ['-F %%|@@|\\\\|\\t|', { payload: 'x' }, '%|@|\\|\t|\n'],
  ['-F %A|%5A|%C|%5C|%D|%E|%F|%P|%R|%S|', { payload: 'x' }, '|     ||     |||||||\n'],
  [
    '-V 5 -F %C|%10C|%.2C|%D|%F|%P|%R|',
    { payload: 'x', properties: rich },
    'text|      text|te|cd|1|a:b c:d|r/t|\n',
  ],
  ['-V 5 -D subscribe subscription-identifier 9 -F %S', { payload: 'x' }, '9\n'],
]

async function retain(client: RawClient, topic: string, message: Retained): Promise<void> {
  const { payload = '', qos = 1, properties = {} } = message
  await client.publish(topic, payload, { qos, retain: true, properties })
}

function portArgs(broker: BrokerProcess): string[] {
  return ['-h', '127.0.0.1', '-p', String(broker.port)]
}

for (const target of targets) {
  describe(`against ${target}`, { concurrency: 3 }, () => {
    let broker: BrokerProcess
    before(async () => {
      broker = await startBroker('', target)
    })
    after(() => broker.stop())

    for (const maker of makers) {
      for (const [flags, message, stdout] of receivings) {
        test(`${maker} sub ${flags} prints ${JSON.stringify(stdout)}`, async () => {
          const topic = freshTopic()
          const client = await observer(broker, 5)
          await retain(client, topic, message)
          client.destroy()
          const args = [...portArgs(broker), '-t', topic, '-C', '1', ...AT_LAST, ...words(flags)]
          const outcome = await runTool(maker, 'sub', args)
          assert.deepEqual(outcome, {
            code: 0,
            stdout: stdout.replaceAll('TOPIC', topic),
            stderr: '',
          } satisfies Outcome)
        })
      }

      for (const [flags, stdout] of [
        ['', 'ready\nlast\n'],
        ['-v', 'TOPIC/1 ready\nTOPIC/2 (null)\nTOPIC/3 last\n'],
        ['-v -N', 'TOPIC/1 readyTOPIC/3 last'],
      ] as const) {
        test(`${maker} sub ${flags} prints an empty message as it should`, async () => {
          const topic = freshTopic()
          const client = await observer(broker, 4)
          await retain(client, `${topic}/1`, { payload: 'ready' })
          const args = [...portArgs(broker), '-t', `${topic}/#`, '-C', '3', ...AT_LAST]
          const running = startTool(maker, 'sub', [...args, ...words(flags)])
          await running.printed('ready')
          await client.publish(`${topic}/2`, '')
          await client.publish(`${topic}/3`, 'last')
          client.destroy()
          const outcome = await running.outcome
          assert.deepEqual(outcome, {
            code: 0,
            stdout: stdout.replaceAll('TOPIC', topic),
            stderr: '',
          })
        })
      }

      test(`${maker} sub -W ends with 27 and says so`, async () => {
        const outcome = await runToGiveUp(maker, 'sub', [...portArgs(broker), '-t', freshTopic()])
        assert.deepEqual(outcome, { code: 27, stdout: '', stderr: 'Timed out\n' })
      })

      test(`${maker} sub -E leaves a session that keeps messages`, async () => {
        const topic = freshTopic()
        const id = `me${serial}`
        const common = [...portArgs(broker), '-t', topic, '-i', id, '-c', '-q', '1']
        const first = await runTool(maker, 'sub', [...common, '-E'])
        assert.deepEqual(first, { code: 0, stdout: '', stderr: '' })
        const client = await observer(broker, 4)
        await client.publish(topic, 'kept', { qos: 1 })
        client.destroy()
        const second = await runTool(maker, 'sub', [...common, '-C', '1', ...AT_LAST])
        assert.deepEqual(second, { code: 0, stdout: 'kept\n', stderr: '' })
      })

      test(`${maker} sub -T and -R leave messages out`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 4)
        await retain(client, `${topic}/old`, { payload: 'old' })
        const args = ['-t', `${topic}/#`, '-v', '-T', `${topic}/+/x`, '-R']
        const running = startTool(maker, 'sub', [...portArgs(broker), ...args])
        // What is not retained only arrives when the subscription stands.
        const knock = setInterval(() => client.send(make.publish(`${topic}/knock`, 'k')), 30)
        await running.printed('knock')
        clearInterval(knock)
        for (const name of ['a', 'a/x', 'b', 'c']) await client.publish(`${topic}/${name}`, name)
        await running.printed(`${topic}/c c\n`)
        running.kill('SIGTERM')
        client.destroy()
        const { code, stdout } = await running.outcome
        assert.equal(code, 0)
        const printed = stdout.split('\n').filter((line) => !line.endsWith('/knock k'))
        assert.deepEqual(printed, [`${topic}/a a`, `${topic}/b b`, `${topic}/c c`, ''])
      })

      test(`${maker} sub --retained-only ends at the first message that is news`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 4)
        await retain(client, `${topic}/old`, { payload: 'old' })
        const args = ['-t', `${topic}/#`, '--retained-only', ...AT_LAST, '-v']
        const running = startTool(maker, 'sub', [...portArgs(broker), ...args])
        await running.printed(`${topic}/old old\n`)
        await client.publish(`${topic}/new`, 'new')
        client.destroy()
        const { code, stdout } = await running.outcome
        assert.deepEqual([code, stdout], [0, `${topic}/old old\n`])
      })

      test(`${maker} sub --remove-retained clears what it prints`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 4)
        await retain(client, topic, { payload: 'old' })
        await client.subscribe(topic)
        await client.receive({ topic, retain: true })
        const args = ['-t', topic, '--remove-retained', ...AT_LAST]
        const running = startTool(maker, 'sub', [...portArgs(broker), ...args])
        await client.receive({ topic, payload: '' })
        await running.printed('old\n')
        // Debian's may wait for ever on the publish that clears.
        running.kill(maker === 'mozzie' ? 'SIGTERM' : 'SIGKILL')
        assert.equal((await running.outcome).code, maker === 'mozzie' ? 0 : null)
        client.destroy()
      })

      test(`${maker} sub ends with its will in MQTT 5.0 on SIGINT`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 5)
        await client.subscribe(`${topic}/will`)
        const will = ['--will-topic', `${topic}/will`, '--will-payload', 'gone']
        await retain(client, topic, { payload: 'ready' })
        const args = [...portArgs(broker), '-V', '5', '-t', topic, ...will]
        const running = startTool(maker, 'sub', args)
        await running.printed('ready')
        running.kill('SIGINT')
        assert.equal((await running.outcome).code, 0)
        await client.receive({ payload: 'gone' })
        client.destroy()
      })

      const sendings: readonly (readonly [string, string, string[], Qos?, boolean?])[] = [
        ['-m hello', '', ['hello']],
        ['-n', '', ['']],
        ['-m hello -q 1', '', ['hello'], 1],
        ['-m hello -q 2 -r', '', ['hello'], 2, true],
        ['-s', 'a\nb\n', ['a\nb\n']],
        ['-l', 'a\n\nb\r\nc', ['a', '', 'b\r', 'c']],
        ['-l -q 1', 'a\nb\n', ['a', 'b'], 1],
        ['-l -q 2', 'a\nb\n', ['a', 'b'], 2],
        ['-m x --repeat 3', '', ['x', 'x', 'x']],
        ['-m x --repeat 2 --repeat-delay 0.01 -q 1', '', ['x', 'x'], 1],
      ]
      for (const [flags, input, payloads, qos = 0, retained = false] of sendings) {
        test(`${maker} pub ${flags} sends ${JSON.stringify(payloads)}`, async () => {
          const topic = freshTopic()
          const client = await observer(broker, 4)
          await client.subscribe({ filter: topic, qos: 2 })
          const args = [...portArgs(broker), '-t', topic, ...words(flags)]
          const outcome = await runTool(maker, 'pub', args, input)
          assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' })
          for (const payload of payloads) await client.receive({ topic, payload, qos })
          if (retained) {
            await client.unsubscribe(topic)
            await client.subscribe(topic)
            await client.receive({ topic, payload: payloads[0], retain: true })
          }
          await client.expectNothing()
          client.destroy()
        })
      }

      test(`${maker} pub -f sends a file, byte by byte`, async () => {
        const directory = mkdtempSync(join(tmpdir(), 'mozzie-cli-'))
        const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
        writeFileSync(join(directory, 'file'), bytes)
        const topic = freshTopic()
        const client = await observer(broker, 4)
        await client.subscribe(topic)
        const args = [...portArgs(broker), '-t', topic, '-f', join(directory, 'file')]
        assert.equal((await runTool(maker, 'pub', args)).code, 0)
        const { payload } = await client.receive({ topic })
        assert.ok(Buffer.from(bytes).equals(payload))
        client.destroy()
        rmSync(directory, { recursive: true })
      })

      test(`${maker} pub -D sends properties`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 5)
        await client.subscribe(topic)
        const args = [
          ...[...portArgs(broker), '-t', topic, '-m', 'x'],
          ...['-D', 'publish', 'user-property', 'a', 'b'],
          ...['-D', 'publish', 'content-type', 'text'],
          ...['-D', 'publish', 'correlation-data', 'cd'],
          ...['-D', 'publish', 'response-topic', 'r/t'],
          ...['-D', 'publish', 'payload-format-indicator', '1'],
        ]
        assert.equal((await runTool(maker, 'pub', args)).code, 0)
        const { properties } = await client.receive({ topic })
        assert.deepEqual(
          { ...properties, correlationData: Buffer.from(properties.correlationData!) },
          { ...rich, userProperties: [['a', 'b']] },
        )
        client.destroy()
      })

      test(`${maker} pub -d prints the packets`, async () => {
        const topic = freshTopic()
        const args = [...portArgs(broker), '-i', 'me', '-t', topic, '-m', 'abc', '-q', '2', '-d']
        const { stdout } = await runTool(maker, 'pub', args)
        assert.deepEqual(stdout.split('\n'), [
          'Client me sending CONNECT',
          'Client me received CONNACK (0)',
          `Client me sending PUBLISH (d0, q2, r0, m1, '${topic}', ... (3 bytes))`,
          'Client me received PUBREC (Mid: 1)',
          'Client me sending PUBREL (m1)',
          'Client me received PUBCOMP (Mid: 1, RC:0)',
          'Client me sending DISCONNECT',
          '',
        ])
      })

      test(`${maker} rr prints the answer`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 5)
        await client.subscribe(topic)
        const args = [...portArgs(broker), '-t', topic, '-e', `${topic}/re`, '-m', 'ask', '-v']
        const asked = runTool(maker, 'rr', args)
        const { properties } = await client.receive({ topic, payload: 'ask' })
        assert.equal(properties.responseTopic, `${topic}/re`)
        await client.publish(`${topic}/re`, 'answer')
        assert.deepEqual(await asked, { code: 0, stdout: `${topic}/re answer\n`, stderr: '' })
        client.destroy()
      })

      test(`${maker} rr -W gives up with 27`, async () => {
        const args = [...portArgs(broker), '-t', freshTopic(), '-e', freshTopic(), '-m', 'x']
        const outcome = await runToGiveUp(maker, 'rr', args)
        assert.deepEqual(outcome, { code: 27, stdout: '', stderr: 'Timed out\n' })
      })

      test(`${maker} rr that gives up ends with its will in MQTT 5.0`, async () => {
        const topic = freshTopic()
        const client = await observer(broker, 5)
        await client.subscribe(`${topic}/will`)
        const will = ['--will-topic', `${topic}/will`, '--will-payload', 'gone']
        const args = [...portArgs(broker), '-t', topic, '-e', freshTopic(), '-m', 'x', ...will]
        const outcome = runToGiveUp(maker, 'rr', args)
        await client.receive({ topic: `${topic}/will`, payload: 'gone' })
        assert.equal((await outcome).code, 27)
        client.destroy()
      })
    }
  })

  describe(`against ${target} with passwords`, () => {
    let broker: BrokerProcess
    before(async () => {
      broker = await startBroker('allow_anonymous false', target)
    })
    after(() => broker.stop())

    for (const maker of makers) {
      for (const [version, code, error] of [
        ['mqttv311', 5, 'Connection error: Connection Refused: not authorised.'],
        ['mqttv5', 135, 'Connection error: Not authorized'],
      ] as const) {
        for (const [tool, args] of [
          ['sub', ['-t', 'a', ...AT_LAST]],
          ['pub', ['-t', 'a', '-m', 'x']],
        ] as const) {
          test(`${maker} ${tool} ends with ${code} when it is not let in (${version})`, async () => {
            const all = [...portArgs(broker), ...args, '-V', version]
            const outcome = await runTool(maker, tool, all)
            assert.equal(firstLine(outcome.stderr).replace(/\.$/, ''), error.replace(/\.$/, ''))
            assert.equal(outcome.code, code)
          })
        }
      }
    }
  })
}
