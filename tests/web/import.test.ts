/** What the tools wrote comes back byte for byte, or it is said that it cannot. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { importRecords } from '../../web/src/capture/import.ts'
import { connect } from '../../src/client/node.ts'
import { startBroker } from '../support/broker-process.ts'
import { endWithUs } from '../support/children.ts'
import { testMsMax } from '../support/patience.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

const SENT: readonly Uint8Array[] = [
  utf8('{"id":18446744073709551615,"t":127.0,"e":1e3}'),
  utf8('"a string of JSON"'),
  utf8('null'),
  utf8(''),
  utf8('[1.50, "\\u00e9 é"]'),
  utf8('plain text'),
  new Uint8Array([0xff, 0, 1]),
]
const hasMosquitto = spawnSync('mosquitto_sub', ['--help']).error === undefined

interface Tool {
  readonly name: string
  readonly words: readonly string[]
  readonly skip?: string | false
  /** Payloads it cannot write, and those that come back other than they were sent, by their number. */
  readonly left: readonly number[]
  readonly altered: readonly number[]
}

const TOOLS: readonly Tool[] = [
  {
    name: 'mozzie sub --output jsonl',
    words: ['node', 'bin/mozzie', 'sub', '--output', 'jsonl'],
    left: [],
    altered: [],
  },
  {
    name: 'mozzie sub -F %J',
    words: ['node', 'bin/mozzie', 'sub', '-F', '%J'],
    left: [5, 6],
    altered: [4],
  },
  {
    name: 'mozzie sub -F %j',
    words: ['node', 'bin/mozzie', 'sub', '-F', '%j'],
    left: [],
    altered: [6],
  },
  {
    name: 'mosquitto_sub -F %J',
    words: ['mosquitto_sub', '-F', '%J'],
    skip: hasMosquitto ? false : 'mosquitto-clients is not installed',
    left: [5, 6],
    altered: [0, 4],
  },
]

for (const { name, words, skip = false, left, altered } of TOOLS) {
  test(
    `what ${name} wrote is read with its digits and times`,
    { timeout: testMsMax, skip },
    async (t) => {
      const broker = await startBroker('')
      t.after(() => broker.stop())
      const [command = '', ...more] = words
      const tool = spawn(command === 'node' ? process.execPath : command, [
        ...more,
        ...['-p', String(broker.port), '-V', '5', '-t', 'tool/#', '-t', 'ready'],
      ])
      endWithUs(tool)
      let text = ''
      const said = (what: string) =>
        new Promise<void>((resolve) => {
          const look = () => text.includes(what) && resolve()
          tool.stdout.on('data', look)
          look()
        })
      tool.stdout.on('data', (chunk) => (text += String(chunk)))
      const peer = await connect(`mqtt://127.0.0.1:${broker.port}`)
      t.after(() => peer.end())
      const knocking = setInterval(() => void peer.publish('ready', '1'), 50)
      await said('"ready"')
      clearInterval(knocking)
      const startedMs = Date.now()
      const properties = {
        contentType: 'x',
        userProperties: [
          ['k', 'v'],
          ['k', 'w'],
        ] as [string, string][],
      }
      for (const payload of SENT) await peer.publish('tool/a', payload, { qos: 1, properties })
      await peer.publish('tool/end', '1', { qos: 1 })
      await said('"tool/end"')
      tool.kill()
      const imported = importRecords(text)
      const records = imported.records.filter(({ topic }) => topic === 'tool/a')
      const expected = [...SENT.keys()].filter((at) => !left.includes(at))
      assert.equal(records.length, expected.length)
      assert.equal(imported.altered, altered.length)
      // A line is left empty for each payload that the tool cannot write.
      assert.deepEqual(
        imported.unread.first.map(({ reason }) => reason),
        left.map(() => 'empty, as for a payload that -F %J cannot write'),
      )
      for (const [index, at] of expected.entries()) {
        const { payload, timeMs, properties: read } = records[index] ?? {}
        if (!altered.includes(at)) assert.deepEqual(payload, SENT[at], `payload ${at}`)
        assert.ok(Math.abs((timeMs ?? 0) - startedMs) < testMsMax)
        assert.equal(read?.contentType, 'x')
        if (command === 'node') assert.deepEqual(read?.userProperties, properties.userProperties)
      }
    },
  )
}

test('times keep their microseconds and their zone', () => {
  const times = [
    '2026-01-31T13:05:09.123456+0100',
    '2026-01-31T12:05:09.123456Z+0000',
    '2026-01-31T12:05:09.123456Z',
  ]
  for (const tst of times) {
    const { records } = importRecords(JSON.stringify({ tst, topic: 'a' }))
    assert.equal(
      ((records[0]?.timeMs ?? 0) - Date.parse('2026-01-31T12:05:09.123Z')).toFixed(3),
      '0.456',
    )
  }
})

test('an empty line says something only in what the tools wrote', () => {
  const ours = '{"topic":"a"}\n\n{"topic":"b"}\n\n'
  assert.equal(importRecords(ours).unread.total, 0)
  const theirs = ours.replaceAll('{', '{"tst":"2026-01-31T13:05:09.123456+0000",')
  assert.deepEqual(
    importRecords(theirs).unread.first.map(({ line }) => line),
    [2, 4],
  )
})
