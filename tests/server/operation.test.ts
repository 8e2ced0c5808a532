/** What an operator does with a running broker: move its log away, watch it, hand it accounts and files. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { scratch, spawnMozzie, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import { endWithUs } from '../support/children.ts'
import { connectOnce } from '../support/connect-once.ts'

const isRoot = process.getuid?.() === 0
const bin = join(process.cwd(), 'bin', 'mozzie')

test('SIGHUP opens a log file again that was moved away, whatever the configuration says now', async (context) => {
  const directory = scratch(context)
  const path = join(directory, 'log')
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_dest file ${path}`
  const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
  renameSync(path, `${path}.1`)
  writeConfig(directory, 'no_such_option 1')
  mozzie.signal('SIGHUP')
  await until(() => mozzie.stderr().includes('stay as they were'), mozzie.stderr)
  await (await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'late' })).endAsync()
  await until(() => readFileSync(path, 'utf8').includes('as late '), mozzie.stderr)
  assert.doesNotMatch(readFileSync(`${path}.1`, 'utf8'), /late/)
  assert.doesNotMatch(readFileSync(path, 'utf8'), /version \S+ starting/)
})

test('log_format json writes objects with the fields of the event', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_format json`
  const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
  const clientId = 'quote"\\ as x (p5'
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`, {
    clientId,
    username: 'ann',
    keepalive: 7,
  })
  await client.endAsync()
  await until(() => mozzie.stderr().includes('client_disconnected'), mozzie.stderr)
  const objects = mozzie
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const { time, level, message } of objects) {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.match(String(level), /^(error|warning|notice|information)$/)
    assert.equal(typeof message, 'string')
  }
  const connected = objects.find(({ event }) => event === 'client_connected')
  assert.ok(connected)
  const { time: _time, message: _message, address, ...rest } = connected
  assert.match(String(address), /^127\.0\.0\.1:\d+$/)
  assert.deepEqual(rest, {
    level: 'notice',
    event: 'client_connected',
    client: clientId,
    username: 'ann',
    version: 4,
    clean_start: true,
    keepalive: 7,
  })
  const gone = objects.find(({ event }) => event === 'client_disconnected')
  assert.deepEqual([gone?.client, gone?.reason], [clientId, ''])
})

test('connection_messages false keeps clients that come and go out of the log', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nconnection_messages false\nlog_type all`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  await (await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'quiet' })).endAsync()
  await until(() => mozzie.stderr().includes('Received DISCONNECT from quiet'), mozzie.stderr)
  assert.doesNotMatch(mozzie.stderr(), /New connection|connected from|disconnected/)
})

/** For a broker that does not say when it runs. */
async function untilAccepting(port: number): Promise<void> {
  for (const endMs = performance.now() + processMsMax; ; await sleep(20)) {
    const socket = connect(port, '127.0.0.1')
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (accepted) return
    assert.ok(performance.now() < endMs, 'it does not accept connections')
  }
}

test('log_dest none and -q say nothing', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\n`
  for (const [more, flags] of [
    ['log_dest none', []],
    ['', ['-q']],
  ] as const) {
    const mozzie = spawnMozzie(context, ...flags, '-c', writeConfig(scratch(context), lines + more))
    await untilAccepting(port)
    mozzie.signal('SIGTERM')
    assert.equal(await mozzie.exited, 0)
    assert.equal(mozzie.stderr() + mozzie.stdout(), '')
  }
})

test('log_dest stdout and log_timestamp false', async (context) => {
  const port = await freePort()
  const lines = `listener ${port} 127.0.0.1\nlog_dest stdout\nlog_timestamp false`
  const mozzie = spawnMozzie(context, '-c', writeConfig(scratch(context), lines))
  await until(() => mozzie.stdout().includes('running'), mozzie.stderr)
  assert.match(mozzie.stdout(), /^mozzie version \S+ starting\nConfig loaded from /)
  assert.equal(mozzie.stderr(), '')
})

test('an account by PUID and PGID goes before "user"', { skip: !isRoot }, async (context) => {
  const directory = scratch(context)
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(file, `user nobody\nlistener ${await freePort()} 127.0.0.1\n`)
  const child = endWithUs(
    spawn(process.execPath, [bin, '-c', file], {
      env: { ...process.env, PUID: '12345', PGID: '23456' },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  )
  context.after(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  await until(
    () => /running$/m.test(log),
    () => log,
  )
  const { uid, gid } = statSync(`/proc/${child.pid}`)
  assert.deepEqual([uid, gid], [12345, 23456])
})

test('UMASK_SET is the umask of what the broker makes', async (context) => {
  const directory = scratch(context)
  const pidFile = join(directory, 'pid')
  const lines = `listener ${await freePort()} 127.0.0.1\npid_file ${pidFile}`
  const child = endWithUs(
    spawn(process.execPath, [bin, '-c', writeConfig(directory, lines)], {
      env: { ...process.env, UMASK_SET: '0077' },
      stdio: 'ignore',
    }),
  )
  context.after(() => void child.kill('SIGKILL'))
  await until(
    () => existsSync(pidFile),
    () => 'no pid file',
  )
  assert.equal(statSync(pidFile).mode & 0o777, 0o600)
  const wrong = spawnSync(
    process.execPath,
    [bin, '--no-persistence', '-p', String(await freePort())],
    {
      env: { ...process.env, UMASK_SET: '9' },
      encoding: 'utf8',
      timeout: processMsMax,
    },
  )
  assert.equal(wrong.status, 3)
  assert.match(wrong.stderr, /UMASK_SET "9" is not an octal number/)
})

test('a pid file that cannot be written ends it with code 14', async (context) => {
  const directory = scratch(context)
  const lines = `listener ${await freePort()} 127.0.0.1\npid_file ${directory}/none/pid`
  const mozzie = spawnMozzie(context, '-c', writeConfig(directory, lines))
  assert.equal(await mozzie.exited, 14)
  assert.match(mozzie.stderr(), /Error: Unable to write the pid file ".*none\/pid": ENOENT/)
})

test('a port below 1024 is bound before root is left', { skip: !isRoot }, async (context) => {
  const directory = scratch(context)
  const file = join(directory, 'mosquitto.conf')
  const port = 1000 + (process.pid % 23)
  writeFileSync(file, `user nobody\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const mozzie = await startMozzie(context, '-c', file)
  assert.notEqual(statSync(`/proc/${mozzie.pid}`).uid, 0)
  await (await connectOnce(`mqtt://127.0.0.1:${port}`)).endAsync()
})

const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`

const missing = ['systemd-notify', 'python3'].filter(
  (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
)

test(
  'systemd is told that it is ready, that it lives, and that it stops',
  { skip: missing.length > 0 && `not installed: ${missing.join(', ')}` },
  async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'mozzie-sd-'))
    chmodSync(directory, 0o755)
    const socket = join(directory, 'notify')
    const listener = endWithUs(
      spawn('python3', ['-c', receiver, socket], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    context.after(() => {
      listener.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    })
    let heard = ''
    listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
    await until(
      () => heard.includes('bound'),
      () => heard,
    )
    const child = endWithUs(
      spawn(process.execPath, [bin, '-p', String(await freePort())], {
        env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' },
        stdio: 'ignore',
      }),
    )
    context.after(() => void child.kill('SIGKILL'))
    await until(
      () => heard.includes('READY=1') && heard.includes('WATCHDOG=1'),
      () => heard,
    )
    assert.match(heard, new RegExp(`MAINPID=${child.pid}`))
    child.kill('SIGTERM')
    assert.equal((await once(child, 'exit'))[0], 0)
    await until(
      () => heard.includes('STOPPING=1'),
      () => heard,
    )
    assert.ok(heard.indexOf('READY=1') < heard.indexOf('STOPPING=1'))
  },
)
