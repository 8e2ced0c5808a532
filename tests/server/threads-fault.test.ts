/** A thread that dies or hangs: nothing acknowledged is lost, and whoever watches the process hears of it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect as connectTo, type IClientOptions, type MqttClient } from 'mqtt'
import { endWithUs } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, spawnMozzie, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'

const CLIENTS = 24

/** Runs in every thread of the broker; in the second one it does `fault` as soon as the file is there. */
function faultAt(directory: string, fault: string): { trigger(): void } {
  const [module, file] = [join(directory, 'fault.mjs'), join(directory, 'now')]
  const lines = [
    "import { existsSync } from 'node:fs'",
    "import { isMainThread, workerData } from 'node:worker_threads'",
    `const look = () => { if (existsSync(${JSON.stringify(file)})) { clearInterval(timer); ${fault} } }`,
    'const timer = !isMainThread && workerData?.index === 1 ? setInterval(look, 20) : undefined',
    'timer?.unref()',
  ]
  writeFileSync(module, lines.join('\n'))
  process.env.NODE_OPTIONS = `--import ${module}`
  return { trigger: () => writeFileSync(file, '') }
}

async function start(context: TestContext, directory: string, port: number) {
  const file = writeConfig(
    directory,
    `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${directory}/\nmax_queued_messages 0`,
  )
  const mozzie = await startMozzie(context, '-c', file)
  const connect = async (options: IClientOptions = {}): Promise<MqttClient> => {
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`, options)
    client.on('error', () => {})
    context.after(() => void client.end(true))
    return client
  }
  return { mozzie, connect }
}

test('a thread that dies ends the process, and nothing that was acknowledged is lost', async (context) => {
  const [directory, port] = [scratch(context), await freePort()]
  context.after(() => void delete process.env.NODE_OPTIONS)
  const fault = faultAt(directory, "throw new Error('injected')")
  const first = await start(context, directory, port)
  const away = { clientId: 'away', clean: false }
  const subscriber = await first.connect(away)
  await subscriber.subscribeAsync('kept', { qos: 1 })
  await subscriber.endAsync()
  const acknowledged = new Set<string>()
  const publishers = await Promise.all(Array.from({ length: CLIENTS }, () => first.connect()))
  const over = new AbortController()
  const publishing = publishers.map(async (publisher, at) => {
    for (let number = 0; !over.signal.aborted; number++) {
      const payload = `${at} ${number}`
      publisher.publish('kept', payload, { qos: 1 }, (error) => {
        if (!error) acknowledged.add(payload)
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  await until(
    () => acknowledged.size > 200,
    () => `${acknowledged.size}`,
  )
  fault.trigger()
  assert.equal(await first.mozzie.exited, 1)
  over.abort()
  await Promise.all(publishing)
  assert.match(first.mozzie.stderr(), /thread 1: injected/)
  delete process.env.NODE_OPTIONS
  await start(context, directory, port)
  const received = new Set<string>()
  const client = connectTo(`mqtt://127.0.0.1:${port}`, { ...away, reconnectPeriod: 0 })
  context.after(() => void client.end(true))
  client.on('message', (_topic, payload) => received.add(String(payload)))
  await until(
    () => [...acknowledged].every((payload) => received.has(payload)),
    () => `${received.size} of ${acknowledged.size}`,
  )
})

/** Connections come and go, so that threads begin and cease to wait for them. */
function churn(port: number): { end(): void } {
  let isOver = false
  const come = (): void => {
    if (isOver) return
    const socket = connectSocket(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('connect', () => setTimeout(() => socket.destroy(), 10))
    socket.on('close', () => setTimeout(come, 1))
  }
  for (let count = 0; count < 60; count++) come()
  return { end: () => void (isOver = true) }
}

/** What a thread dies of, and what is said of it. */
const DEATHS = [
  { of: 'an error', fault: "throw new Error('injected')", said: 'thread 1: injected' },
  { of: 'a stack overflow', fault: 'const f = () => f() + 1; f()', said: 'thread 1: Maximum call' },
  { of: 'process.exit', fault: 'process.exit(0)', said: 'thread 1 ended' },
  {
    of: 'the end of its memory',
    fault: 'for (const all = []; ; ) all.push(new Array(1000).fill(all.length))',
    said: 'thread 1: Worker terminated due to reaching memory limit',
  },
]

/** From Node 24 on V8 may end the whole process before Node can end the thread, and says so: nobody is served by what is left. */
const V8_ENDS_IT = /FATAL ERROR: Reached heap limit/
const mayEndIt = Number(process.versions.node.split('.')[0]) >= 24

for (const { of, fault, said } of DEATHS)
  test(`a thread that dies of ${of} while connections come and go ends the process with a fault, and is named`, async (context) => {
    context.after(() => void delete process.env.NODE_OPTIONS)
    for (let round = 0; round < 2; round++) {
      const [directory, port] = [scratch(context), await freePort()]
      const { trigger } = faultAt(directory, fault)
      process.env.NODE_OPTIONS += ' --max-old-space-size=64'
      const lines = `thread_count 4\nlistener ${port} 127.0.0.1\nallow_anonymous true`
      const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
      const clients = churn(port)
      trigger()
      const code = await mozzie.exited
      clients.end()
      if (mayEndIt && V8_ENDS_IT.test(mozzie.stderr())) continue
      assert.equal(code, 1, mozzie.stderr())
      const line = mozzie
        .stderr()
        .split('\n')
        .find((each) => each.includes('. Stopping'))
      assert.match(line ?? '', new RegExp(`^(\\d+: )?Error: ${said}`), mozzie.stderr())
    }
  })

test('a thread that dies while the broker starts is named, and the start fails', async (context) => {
  const [directory, port] = [scratch(context), await freePort()]
  context.after(() => void delete process.env.NODE_OPTIONS)
  const module = join(directory, 'fault.mjs')
  writeFileSync(
    module,
    "import { isMainThread, workerData } from 'node:worker_threads'\n" +
      "if (!isMainThread && workerData?.index === 1) throw new Error('injected')\n",
  )
  process.env.NODE_OPTIONS = `--import ${module}`
  const mozzie = spawnMozzie(
    context,
    '-c',
    writeConfig(directory, `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true`),
  )
  assert.equal(await mozzie.exited, 1)
  assert.match(mozzie.stderr(), /^(\d+: )?Error: thread 1: injected\. Stopping/m)
})

/** What systemd would hear, line by line. */
const LISTENER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)
`

const missing = ['systemd-notify', 'python3'].filter(
  (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
)
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`

test('a thread that hangs is noticed by the watchdog of systemd', { skip }, async (context) => {
  const [directory, port] = [mkdtempSync('/tmp/mozzie-hang-'), await freePort()]
  const socket = join(directory, 'notify')
  const listener = endWithUs(
    spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  context.after(() => {
    listener.kill('SIGKILL')
    for (const name of ['NODE_OPTIONS', 'NOTIFY_SOCKET', 'WATCHDOG_USEC']) delete process.env[name]
  })
  let heard = ''
  listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
  await until(
    () => heard.includes('bound'),
    () => heard,
  )
  const fault = faultAt(directory, 'for (;;) {}')
  Object.assign(process.env, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' })
  await start(context, directory, port)
  const beats = (): number => heard.split('WATCHDOG=1').length - 1
  await until(
    () => beats() > 2,
    () => heard,
  )
  fault.trigger()
  // The first thread goes on, and says nothing for the other one any more.
  let before = -1
  let lastMs = performance.now()
  await until(
    () => {
      if (beats() !== before) lastMs = performance.now()
      before = beats()
      return performance.now() - lastMs > 5000
    },
    () => `${beats()}`,
  )
})
