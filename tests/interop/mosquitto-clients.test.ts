import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startBroker } from '../support/broker-process.ts'
import { endWithUs } from '../support/children.ts'
import { waitMsMax } from '../support/patience.ts'

const run = promisify(execFile)
const installed = existsSync('/usr/bin/mosquitto_pub') && existsSync('/usr/bin/mosquitto_sub')
const skip = installed ? false : 'mosquitto-clients is not installed'
const versions = ['mqttv31', 'mqttv311', 'mqttv5']

for (const version of versions) {
  test(
    `mosquitto_sub gets what mosquitto_pub sends at every QoS (${version})`,
    { skip },
    async (context) => {
      const broker = await startBroker()
      context.after(() => broker.stop())
      const common = ['-p', String(broker.port), '-V', version]
      // The retained message tells when the subscription stands: it is the first line.
      await run('mosquitto_pub', [...common, '-t', 'i/ready', '-m', 'ready', '-r', '-q', '1'])
      const sub = endWithUs(
        spawn('mosquitto_sub', [...common, '-t', 'i/#', '-q', '2', '-v', '-C', '4']),
      )
      const ended = new Promise((resolve) => sub.on('close', resolve))
      context.after(() => sub.kill('SIGKILL'))
      let out = ''
      const ready = new Promise<void>((resolve) => {
        sub.stdout.setEncoding('utf8').on('data', (text: string) => {
          out += text
          if (out.startsWith('i/ready ready\n')) resolve()
        })
      })
      await ready
      for (const qos of ['0', '1', '2'])
        await run('mosquitto_pub', [...common, '-t', `i/${qos}`, '-m', `m${qos}`, '-q', qos])
      await ended
      assert.equal(out, 'i/ready ready\ni/0 m0\ni/1 m1\ni/2 m2\n')
    },
  )
}

test('mosquitto_rr gets its answer', { skip }, async (context) => {
  const broker = await startBroker()
  context.after(() => broker.stop())
  const common = ['-p', String(broker.port), '-V', 'mqttv5']
  await run('mosquitto_pub', [...common, '-t', 'ask', '-m', 'ready', '-r', '-q', '1'])
  const sub = endWithUs(spawn('mosquitto_sub', [...common, '-t', 'ask', '-C', '2', '-F', '%p %R']))
  context.after(() => sub.kill('SIGKILL'))
  const lines = createInterface(sub.stdout)[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready ')
  const args = ['-t', 'ask', '-e', 'answers/1', '-m', 'question', '-W', String(waitMsMax / 1000)]
  const asked = run('mosquitto_rr', [...common, ...args])
  assert.equal((await lines.next()).value, 'question answers/1')
  await run('mosquitto_pub', [...common, '-t', 'answers/1', '-m', 'answer', '-q', '1'])
  assert.equal((await asked).stdout, 'answer\n')
})
