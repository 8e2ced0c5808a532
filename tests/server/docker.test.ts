/** What the container runs: its entry point, with the image's root in a scratch directory. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { MqttClient } from 'mqtt'
import { endWithUs } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import { runToEnd, scratch, until, writeConfig } from './run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'

const packaged = (name: string): string => join(process.cwd(), 'packaging', 'docker', name)

interface Container {
  readonly port: number
  readonly httpPort: number
  readonly output: () => string
  stop(): Promise<void>
}

/** Its account is this process's, as the image's is the one of its files. */
function surroundings(root: string): NodeJS.ProcessEnv {
  const { PATH } = process.env
  return {
    PATH,
    MOZZIE_IMAGE_ROOT: root,
    PUID: String(process.getuid?.()),
    PGID: String(process.getgid?.()),
  }
}

async function startContainer(
  context: TestContext,
  root: string,
  env: NodeJS.ProcessEnv = {},
  words: readonly string[] = [],
): Promise<Container> {
  const port = Number(env['MOZZIE_PORT'] ?? (await freePort()))
  const httpPort = await freePort()
  const child = endWithUs(
    spawn(process.execPath, [packaged('entrypoint.mjs'), ...words], {
      env: {
        ...surroundings(root),
        MOZZIE_PORT: String(port),
        MOZZIE_HTTP_PORT: String(httpPort),
        ...env,
      },
    }),
  )
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
  }
  context.after(stop)
  await until(
    () => /mozzie version \S+ running/.test(text),
    () => text,
  )
  return { port, httpPort, output: () => text, stop }
}

function logIn({ port }: Container, username: string, password: string): Promise<MqttClient> {
  return connectOnce(`mqtt://127.0.0.1:${port}`, { username, password })
}

test('the first start makes a user whose password it says once; a later one keeps it', async (context) => {
  const root = scratch(context)
  const first = await startContainer(context, root)
  const [, user, password] = /user "(\w+)", password "([\w-]{22})"/.exec(first.output()) ?? []
  const client = await logIn(first, user, password)
  await client.publishAsync('kept', 'yes', { qos: 1, retain: true })
  await client.endAsync()
  await assert.rejects(logIn(first, user, 'another'))
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const page = await fetch(`http://127.0.0.1:${first.httpPort}/metrics`, {
    headers: { authorization: basic },
  })
  assert.equal(page.status, 200)
  const health = spawnSync(process.execPath, [packaged('healthcheck.mjs')], {
    env: { MOZZIE_PORT: String(first.port) },
    timeout: processMsMax,
  })
  assert.equal(health.status, 0)
  await first.stop()
  const second = await startContainer(context, root)
  assert.doesNotMatch(second.output(), /password "/)
  const back = await logIn(second, user, password)
  const received = new Promise<string>((resolve) =>
    back.once('message', (_topic, payload) => resolve(payload.toString())),
  )
  await back.subscribeAsync('kept')
  assert.equal(await received, 'yes')
  await back.endAsync()
})

test('user and password may be given, the password by a file that is a secret', async (context) => {
  const root = scratch(context)
  const secret = join(root, 'secret')
  writeFileSync(secret, 'from a file\n')
  const container = await startContainer(context, root, {
    MOZZIE_USER: 'ann',
    MOZZIE_PASSWORD_FILE: secret,
  })
  assert.doesNotMatch(container.output(), /from a file/)
  await (await logIn(container, 'ann', 'from a file')).endAsync()
})

test('a configuration of eclipse-mosquitto is taken where it lies, and nothing is made beside it', async (context) => {
  const root = scratch(context)
  const port = await freePort()
  mkdirSync(join(root, 'mosquitto', 'config'), { recursive: true })
  mkdirSync(join(root, 'mosquitto', 'data'))
  writeFileSync(
    join(root, 'mosquitto', 'config', 'mosquitto.conf'),
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${root}/mosquitto/data/\n`,
  )
  const container = await startContainer(context, root, { MOZZIE_PORT: String(port) })
  await (await logIn(container, 'anybody', 'x')).endAsync()
  assert.equal(existsSync(join(root, 'var')), false)
  assert.equal(existsSync(join(root, 'mosquitto', 'data', 'mozzie.db')), true)
})

test('the command lines of eclipse-mosquitto start the broker, other words a command', async (context) => {
  const root = scratch(context)
  const port = await freePort()
  const file = writeConfig(root, `listener ${port} 127.0.0.1\nallow_anonymous true`)
  const env = { MOZZIE_PORT: String(port) }
  const container = await startContainer(context, root, env, ['/usr/sbin/mosquitto', '-c', file])
  await (await logIn(container, 'anybody', 'x')).endAsync()
  const { stdout } = spawnSync(process.execPath, [packaged('entrypoint.mjs'), 'passwd', '--help'], {
    env: surroundings(root),
    encoding: 'utf8',
    timeout: processMsMax,
  })
  assert.match(stdout, /^Usage: mozzie passwd/)
})

test('the configurations in the image are good', (context) => {
  const passwords = join(scratch(context), 'passwords')
  writeFileSync(passwords, '', { mode: 0o600 })
  const text = readFileSync(packaged('mozzie.conf'), 'utf8').replace(
    /^password_file .*$/m,
    `password_file ${passwords}`,
  )
  const file = writeConfig(scratch(context), text)
  for (const config of [file, packaged('no-auth.conf')]) {
    const { code, stderr } = runToEnd('-c', config, '--test-config')
    assert.match(stderr, /Configuration file is OK\.\n$/)
    assert.equal(code, 0)
  }
})

test('the Dockerfile copies what is there', () => {
  const lines = readFileSync(packaged('Dockerfile'), 'utf8').split('\n')
  const sources = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
  assert.ok(sources.length > 10)
  for (const source of sources) assert.ok(existsSync(join(process.cwd(), source)), source)
})
