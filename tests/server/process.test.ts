import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  runToEnd,
  scratch,
  spawnMozzie,
  startMozzie,
  startPages,
  until,
  writeConfig,
} from './run-mozzie.ts'
import { processMsMax } from '../support/patience.ts'
import { freePort } from '../support/free-port.ts'
import { endWithUs, orKill } from '../support/children.ts'
import { connectOnce } from '../support/connect-once.ts'

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')

test('without a configuration it serves loopback only and says so', async (context) => {
  const port = await freePort()
  const mozzie = await startMozzie(context, '-p', String(port))
  assert.match(mozzie.stderr(), /^\d+: mozzie version \S+ starting$/m)
  assert.match(mozzie.stderr(), /^\d+: Using default config\.$/m)
  assert.doesNotMatch(
    mozzie.stderr(),
    /unrecognized flag/,
    'this Node knows the flags that it is given',
  )
  assert.match(mozzie.stderr(), /Local only: listening on 127\.0\.0\.1 and ::1, port \d+/)
  assert.match(mozzie.stderr(), new RegExp(`Opening ipv4 listen socket on port ${port}\\.`))
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`)
  await client.endAsync()
})

test('a listener without an address serves IPv4 and IPv6', { skip: !hasIpv6 }, async (context) => {
  const port = await freePort()
  const file = writeConfig(scratch(context), `listener ${port}\nallow_anonymous true`)
  await startMozzie(context, '-c', file)
  for (const host of ['127.0.0.1', '[::1]']) {
    const client = await connectOnce(`mqtt://${host}:${port}`)
    assert.equal(client.connected, true)
    await client.endAsync()
  }
})

test('socket_domain ipv4 leaves IPv6 alone', { skip: !hasIpv6 }, async (context) => {
  const port = await freePort()
  const lines = `listener ${port}\nsocket_domain ipv4\nallow_anonymous true`
  const mozzie = await startMozzie(context, '-c', writeConfig(scratch(context), lines))
  assert.doesNotMatch(mozzie.stderr(), /ipv6/)
  const [error] = (await once(connect(port, '::1'), 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNREFUSED')
})

test('a port in use ends it with code 1 and an error that names the place', async (context) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  context.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const mozzie = spawnMozzie(context, '-p', String(port))
  assert.equal(await mozzie.exited, 1)
  assert.match(
    mozzie.stderr(),
    new RegExp(`Error: Unable to listen on 127\\.0\\.0\\.1 port ${port}: another program`),
  )
})

test('where the port of the page is taken another is chosen, and said', async (context) => {
  const { first, other } = await startPages(context)
  for (const { stderr } of [first, other]) {
    const url = /The page is at (http:\/\/127\.0\.0\.1:\d+)[^\n]*\n$/.exec(stderr())?.[1]
    assert.equal((await fetch(`${url}/api/v1/version`)).status, 200)
  }
  assert.match(other.stderr(), /The page is at \S+: port 9883 is in use\./)
})

test('npm start ends with the npm that it was started by', async (context) => {
  const [port, state] = [String(await freePort()), scratch(context)]
  const npm = endWithUs(
    spawn('npm', ['start', '--', '-p', port], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: state },
    }),
  )
  let log = ''
  npm.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const running = until(
    () => /version \S+ running/.test(log),
    () => log,
  )
  await orKill(npm, running)
  const closed = once(npm.stderr, 'close')
  npm.kill('SIGTERM')
  // The broker holds the pipe until it ends.
  await closed
  assert.match(log, /version \S+ terminating/)
})

for (const [where, flags] of [
  ['log_dest none', []],
  ['log_dest file DIR/log', []],
  ['log_type none', []],
  ['log_dest stderr', ['-q']],
] as const)
  test(`what ends the start stands on standard error with ${where} ${flags.join(' ')}`, async (context) => {
    const directory = scratch(context)
    const lines = `listener ${await freePort()} 127.0.0.1\n${where.replace('DIR', directory)}\npersistence true\npersistence_location ${directory}/mosquitto.conf`
    const file = writeConfig(directory, lines)
    const mozzie = spawnMozzie(context, '-c', file, ...flags)
    assert.equal(await mozzie.exited, 1)
    assert.equal(mozzie.stderr().match(/Error: .*mosquitto\.conf/g)?.length, 1, mozzie.stderr())
  })

test('SIGTERM and SIGINT stop it with code 0 and remove the pid file', async (context) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const directory = scratch(context)
    const pidFile = join(directory, 'pid')
    const lines = `listener ${await freePort()} 127.0.0.1\npid_file ${pidFile}`
    const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
    assert.equal(readFileSync(pidFile, 'utf8'), `${mozzie.pid}\n`)
    mozzie.signal(signal)
    assert.equal(await mozzie.exited, 0)
    assert.match(mozzie.stderr(), /mozzie version \S+ terminating/)
    assert.equal(existsSync(pidFile), false)
  }
})

test('SIGUSR2 prints the subscription tree', async (context) => {
  const port = await freePort()
  const mozzie = await startMozzie(context, '-p', String(port))
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'tree' })
  context.after(() => client.end(true))
  await client.subscribeAsync({ 'a/+/c': { qos: 1 }, 'a/b': { qos: 2 } })
  mozzie.signal('SIGUSR2')
  await until(() => mozzie.stdout().includes('b (tree, 2)'), mozzie.stdout)
  assert.equal(mozzie.stdout(), 'a\n  +\n    c (tree, 1)\n  b (tree, 2)\n')
})

test('SIGHUP takes over what changed, and keeps everything when the file is wrong', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const listener = `listener ${port} 127.0.0.1\n`
  const file = writeConfig(directory, `${listener}allow_anonymous true`)
  const mozzie = await startMozzie(context, '-c', file)
  const url = `mqtt://127.0.0.1:${port}`
  await (await connectOnce(url)).endAsync()

  writeConfig(directory, `${listener}no_such_option 1`)
  mozzie.signal('SIGHUP')
  await until(() => mozzie.stderr().includes('stay as they were'), mozzie.stderr)
  assert.match(mozzie.stderr(), /Reloading config\./)
  await (await connectOnce(url)).endAsync()

  writeConfig(directory, `${listener}allow_anonymous false`)
  mozzie.signal('SIGHUP')
  await until(() => /Changed allow_anonymous .*true to false/.test(mozzie.stderr()), mozzie.stderr)
  await assert.rejects(connectOnce(url), /Not authorized/)
})

test('SIGHUP, SIGUSR1 and SIGUSR2 while it starts end nothing', async (context) => {
  const lines = `cluster_url nats://127.0.0.1:${await freePort()}\ncluster_node_id a`
  const mozzie = spawnMozzie(context, '-c', writeConfig(scratch(context), lines))
  await until(() => mozzie.stderr().includes('mozzie waits'), mozzie.stderr)
  for (const name of ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const) mozzie.signal(name)
  mozzie.signal('SIGTERM')
  assert.equal(await mozzie.exited, 0, mozzie.stderr())
})

test('a SIGHUP that came while it started is answered when it runs', async (context) => {
  const lines = `listener ${await freePort()} 127.0.0.1`
  const mozzie = spawnMozzie(context, '-c', writeConfig(scratch(context), lines))
  await until(() => mozzie.stderr().includes('Opening ipv4'), mozzie.stderr)
  mozzie.signal('SIGHUP')
  await until(() => mozzie.stderr().includes('Reloaded config.'), mozzie.stderr)
})

test('--test-config, --version and wrong arguments have their exit codes', (context) => {
  const directory = scratch(context)
  const good = writeConfig(directory, 'listener 1883')
  assert.deepEqual(runToEnd('-c', good, '--test-config').code, 0)
  const bad = join(directory, 'bad.conf')
  writeFileSync(bad, 'listener 1883\nnonsense true\nmax_qos 9\n')
  const tested = runToEnd('-c', bad, '--test-config')
  assert.equal(tested.code, 3)
  assert.match(tested.stderr, /Error found at .*bad\.conf:2\./)
  assert.match(
    tested.stderr,
    /Error found at .*bad\.conf:3\.\n(?:Warning: .*\n)*2 errors found\.\n$/,
  )
  assert.equal(runToEnd('--nonsense').code, 3)
  assert.match(runToEnd('--version').stdout, /^mozzie version \d+\.\d+\.\d+\n$/)
})

test('-d returns once the broker listens, and fails when it cannot', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const pidFile = join(directory, 'pid')
  const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\npid_file ${pidFile}`
  const file = writeConfig(directory, lines)
  assert.equal(runToEnd('-d', '-c', file).code, 0)
  const pid = Number(readFileSync(pidFile, 'utf8'))
  try {
    await (await connectOnce(`mqtt://127.0.0.1:${port}`)).endAsync()
    const second = runToEnd('-d', '-c', file)
    assert.equal(second.code, 1)
    assert.match(second.stderr, /another program listens there/)
  } finally {
    process.kill(pid, 'SIGTERM')
  }
  await until(
    () => !existsSync(pidFile),
    () => 'the pid file is still there',
  )
})

const isRoot = process.getuid?.() === 0

test(
  'as root it changes to the account of "user" after binding',
  { skip: !isRoot },
  async (context) => {
    const directory = scratch(context)
    const file = join(directory, 'mosquitto.conf')
    const port = await freePort()
    writeFileSync(file, `user nobody\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`)
    const mozzie = await startMozzie(context, '-c', file)
    assert.match(mozzie.stderr(), /Info: running mozzie as user: nobody\./)
    const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
    assert.equal(statSync(`/proc/${mozzie.pid}`).uid, uid)
    await (await connectOnce(`mqtt://127.0.0.1:${port}`)).endAsync()
  },
)

test('an unknown "user" ends it with code 3', { skip: !isRoot }, async (context) => {
  const file = join(scratch(context), 'mosquitto.conf')
  writeFileSync(file, `user no-such-account\nlistener ${await freePort()} 127.0.0.1\n`)
  const mozzie = spawnMozzie(context, '-c', file)
  assert.equal(await mozzie.exited, 3)
  assert.match(mozzie.stderr(), /Error: The user "no-such-account" does not exist\./)
})

test('a checkout that is not built says what to do', (context) => {
  const directory = scratch(context)
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const copy = join(directory, 'bin', 'mozzie')
  for (const name of ['mozzie', 'package.json'])
    writeFileSync(join(directory, 'bin', name), readFileSync(join(process.cwd(), 'bin', name)))
  const { status, stderr } = spawnSync(process.execPath, [copy], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /npm run build/)
})

test('SIGTERM while the code is still being loaded ends with status 0', async (context) => {
  const directory = scratch(context)
  const hook = join(directory, 'hook.cjs')
  // At the first moment at which anybody answers it.
  writeFileSync(
    hook,
    `const on = process.on
    process.on = function (name, ...rest) {
      on.call(process, name, ...rest)
      if (name === 'SIGTERM') process.kill(process.pid, 'SIGTERM')
      return process
    }`,
  )
  const config = writeConfig(directory, `listener ${await freePort()} 127.0.0.1`)
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--require', hook, join('bin', 'mozzie'), '-c', config],
    { encoding: 'utf8', timeout: processMsMax },
  )
  assert.equal(status, 0)
  // It may have got further: Node sees a signal between two portions of work, and how it loads code differs by version.
  assert.doesNotMatch(stderr, /Error/)
})
