import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connect,
  type Message,
  type MqttClient,
  type NodeConnectOptions,
} from '../../src/client/node.ts'
import { listen } from './bridges.ts'
import { endWithUs } from '../support/children.ts'
import { testMsMax } from '../support/patience.ts'

const program = '/usr/sbin/mosquitto'
const skip = existsSync(program) ? false : 'mosquitto is not installed'
const timeout = testMsMax

async function accepts(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    await sleep(20)
    return false
  } finally {
    socket.destroy()
  }
}

/** mosquitto on a port of its own, ended with the test. */
async function startMosquitto(context: TestContext): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-client-'))
  const file = join(directory, 'mosquitto.conf')
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(file, `${user}listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const child = endWithUs(spawn(program, ['-c', file], { stdio: 'ignore' }))
  context.after(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    rmSync(directory, { recursive: true })
  })
  while (!(await accepts(port))) assert.equal(child.exitCode, null, 'mosquitto ended')
  return port
}

for (const version of [3, 4, 5] as const) {
  test(
    `with mosquitto at level ${version}: every QoS, a session that is resumed`,
    { skip, timeout },
    async (context) => {
      const port = await startMosquitto(context)
      const url = `mqtt://127.0.0.1:${port}`
      const session = { version, clientId: 'c1', cleanStart: false, sessionExpirySeconds: 60 }
      const open = async (options: NodeConnectOptions): Promise<MqttClient> => {
        const client = await connect(url, options)
        context.after(() => client.end({ force: true }))
        return client
      }
      const first = await open(session)
      const got: string[] = []
      const three = new Promise<void>((resolve) => {
        const onMessage = ({ topic, qos }: Message) => {
          if (got.push(`${topic} ${qos}`) === 3) resolve()
        }
        void first.subscribe('s/#', { qos: 2, onMessage })
      })
      for (const qos of [0, 1, 2] as const) await first.publish(`s/${qos}`, `${qos}`, { qos })
      await three
      await first.end()
      assert.deepEqual(got.sort(), ['s/0 0', 's/1 1', 's/2 2'])
      const writer = await open({ version })
      for (let i = 0; i < 50; i++) await writer.publish('s/later', String(i), { qos: 2 })
      const second = await open(session)
      assert.equal(second.info?.sessionPresent, version >= 4)
      const texts: string[] = []
      for await (const message of second.subscribe('s/#', { qos: 2 }))
        if (texts.push(message.text()) === 50) break
      assert.deepEqual(
        texts,
        Array.from({ length: 50 }, (_, index) => String(index)),
      )
    },
  )
}
