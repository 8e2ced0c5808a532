/** The add-on for Home Assistant: its metadata, and what it runs, with a stand-in for the Supervisor. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { MqttClient } from 'mqtt'
import { startAnswering, type Asked } from '../auth/answering.ts'
import { scratch, until } from '../server/run-mozzie.ts'
import { endWithUs } from '../support/children.ts'
import { addOnProblems } from './add-on-schema.ts'
import { connectOnce } from '../support/connect-once.ts'

const home = join(process.cwd(), 'packaging', 'home-assistant')
const addOn = join(home, 'mozzie')
const program = join(process.cwd(), 'bin', 'mozzie')

/** The YAML of a file as JSON: Python reads it as the Supervisor does. */
function readYaml(file: string): unknown {
  const script =
    'import json,sys,yaml;print(json.dumps(yaml.safe_load(open(sys.argv[1],encoding="utf8"))))'
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, file], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const noYaml =
  spawnSync('python3', ['-c', 'import yaml']).status === 0
    ? false
    : 'python3 with PyYAML is not installed'

test('the metadata of the add-on are what Home Assistant asks for', { skip: noYaml }, () => {
  const config = readYaml(join(addOn, 'config.yaml')) as Record<string, unknown>
  assert.deepEqual(addOnProblems(config), [])
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal(config.version, version)
  assert.equal(typeof (readYaml(join(home, 'repository.yaml')) as { name: unknown }).name, 'string')
})

test('every option of the add-on is translated, and nothing else', { skip: noYaml }, () => {
  const { schema, ports } = readYaml(join(addOn, 'config.yaml')) as Record<string, object>
  for (const language of ['en', 'zh-Hans']) {
    const { configuration, network } = readYaml(
      join(addOn, 'translations', `${language}.yaml`),
    ) as Record<string, object>
    assert.deepEqual(Object.keys(configuration).sort(), Object.keys(schema).sort())
    assert.deepEqual(Object.keys(network), Object.keys(ports))
  }
})

for (const [name, width, height] of [
  ['icon.png', 128, 128],
  ['logo.png', 250, 100],
] as const)
  test(`${name} has the size that Home Assistant shows`, () => {
    const bytes = readFileSync(join(addOn, name))
    assert.equal(bytes.toString('latin1', 1, 4), 'PNG')
    assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [width, height])
  })

/** Ports of the add-on, moved; on an address of the loopback network that nobody else uses. */
const SHIFT = 20_000
const BIND = '127.83.94.105'
const INGRESS_FROM = '127.30.32.2'

interface AddOn {
  readonly root: string
  readonly asked: readonly Asked[]
  output(): string
  logIn(username: string, password: string): Promise<MqttClient>
  stop(): Promise<void>
}

async function startAddOn(
  context: TestContext,
  options: object,
  root = scratch(context),
): Promise<AddOn> {
  // The Supervisor knows one user, and takes what it is told.
  const { port, asked } = await startAnswering(context, ({ path, params }, response) => {
    const isKnown = params.username === 'paulus' && params.password === 'home'
    const status = path === '/auth' && !isKnown ? 401 : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"result": "ok"}')
  })
  mkdirSync(join(root, 'data'), { recursive: true })
  writeFileSync(join(root, 'data', 'options.json'), JSON.stringify(options))
  const child = endWithUs(
    spawn(process.execPath, [join(addOn, 'run.mjs')], {
      env: {
        PATH: process.env.PATH,
        MOZZIE_ADDON_ROOT: root,
        MOZZIE_ADDON_PORTS_AT: String(SHIFT),
        MOZZIE_ADDON_BIND: BIND,
        MOZZIE_ADDON_INGRESS_FROM: INGRESS_FROM,
        MOZZIE_PROGRAM: program,
        SUPERVISOR_URL: `http://127.0.0.1:${port}`,
        SUPERVISOR_TOKEN: 'token of the supervisor',
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
    () => /know of the broker|was not told/.test(text) || child.exitCode !== null,
    () => text,
  )
  const logIn = (username: string, password: string): Promise<MqttClient> =>
    connectOnce(`mqtt://${BIND}:${1883 + SHIFT}`, { username, password })
  return { root, asked, output: () => text, logIn, stop }
}

function askIngress(path: string, localAddress: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: 'homeassistant.local:8123',
      'x-ingress-path': '/api/hassio_ingress/abc',
      'x-remote-user-name': 'paulus',
    }
    const sent = request(
      { host: BIND, port: 8099 + SHIFT, path, headers, localAddress },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject).end()
  })
}

test('the add-on runs: logins of its own, of Home Assistant and of others; Ingress; backups', async (context) => {
  const options = {
    logins: [{ username: 'sensor', password: 'own' }],
    require_certificate: false,
    certfile: 'fullchain.pem',
    keyfile: 'privkey.pem',
    customize: { active: true, folder: 'mosquitto' },
  }
  const root = scratch(context)
  const share = join(root, 'share', 'mosquitto')
  mkdirSync(share, { recursive: true })
  writeFileSync(join(share, 'acl.conf'), `acl_file ${share}/accesscontrollist\n`)
  const everything = ['addons', 'homeassistant', 'paulus'].map((user) => `user ${user}\ntopic #\n`)
  writeFileSync(join(share, 'accesscontrollist'), `${everything.join('')}user sensor\ntopic s/#\n`)
  const first = await startAddOn(context, options, root)

  const told = (path: string): Asked | undefined => first.asked.find((each) => each.path === path)
  const { service, config } = told('/discovery')?.params ?? {}
  assert.equal(service, 'mqtt', first.output())
  const { username, password, port } = config as Record<string, string | number>
  assert.deepEqual([username, port], ['homeassistant', 1883])
  assert.equal(told('/discovery')?.authorization, 'Bearer token of the supervisor')
  assert.equal(told('/services/mqtt')?.method, 'DELETE')
  const own = await first.logIn('homeassistant', String(password))
  const sensor = await first.logIn('sensor', 'own')
  const paulus = await first.logIn('paulus', 'home')
  assert.deepEqual(first.asked.findLast(({ path }) => path === '/auth')?.params, {
    username: 'paulus',
    password: 'home',
  })
  await assert.rejects(first.logIn('paulus', 'wrong'))
  const before = first.asked.length
  await assert.rejects(first.logIn('addons', 'home'))
  assert.equal(first.asked.length, before, 'the Supervisor is asked about accounts of the add-on')

  await own.subscribeAsync('#')
  const received = new Promise<string>((resolve) => own.once('message', (topic) => resolve(topic)))
  await sensor.publishAsync('not/mine', 'x', { qos: 1 }).catch(() => {})
  await sensor.publishAsync('s/kept', 'x', { qos: 1, retain: true })
  assert.equal(await received, 's/kept')

  const seen = await askIngress('/api/v1/session', INGRESS_FROM)
  const { user, admin } = JSON.parse(seen.text) as Record<string, unknown>
  assert.deepEqual([seen.status, user, admin], [200, 'paulus', true])
  assert.equal((await askIngress('/', INGRESS_FROM)).status, 200)
  assert.equal((await askIngress('/api/v1/session', '127.0.0.1')).status, 403)

  const backup = (word: string): number | null =>
    spawnSync(process.execPath, [join(addOn, 'backup.mjs'), word], {
      env: { PATH: process.env.PATH, MOZZIE_ADDON_ROOT: root, MOZZIE_PROGRAM: program },
    }).status
  assert.equal(backup('pre'), 0)
  for (const client of [own, sensor, paulus]) await client.endAsync(true)
  await first.stop()
  // What a restored backup looks like: the copy is there, the store is not.
  rmSync(join(root, 'data', 'mozzie.db'), { recursive: true })
  const kept = readFileSync(join(root, 'data', 'system_user.json'), 'utf8')
  const second = await startAddOn(context, options, root)
  assert.match(second.output(), /comes out of the backup/)
  assert.equal(readFileSync(join(root, 'data', 'system_user.json'), 'utf8'), kept)
  const back = await second.logIn('paulus', 'home')
  const again = new Promise<string>((resolve) => back.once('message', (topic) => resolve(topic)))
  await back.subscribeAsync('s/#')
  assert.equal(await again, 's/kept')
  await back.endAsync(true)
  assert.equal(backup('post'), 0)
  assert.equal(existsSync(join(root, 'data', 'backup')), false)
})

test('with certificates in /ssl the add-on has TLS', async (context) => {
  const root = scratch(context)
  const made = spawnSync(program, ['tls-init', join(root, 'made'), '--host', 'localhost'])
  assert.equal(made.status, 0, made.stderr.toString())
  mkdirSync(join(root, 'ssl'))
  for (const [name, as] of [
    ['server.crt', 'fullchain.pem'],
    ['server.key', 'privkey.pem'],
    ['ca.crt', 'ca.pem'],
  ])
    renameSync(join(root, 'made', name), join(root, 'ssl', as))
  const options = {
    logins: [{ username: 'u', password: 'p' }],
    require_certificate: true,
    certfile: 'fullchain.pem',
    cafile: 'ca.pem',
    keyfile: 'privkey.pem',
    customize: { active: false, folder: 'mosquitto' },
  }
  await startAddOn(context, options, root)
  const conf = readFileSync(join(root, 'run', 'mozzie', 'mozzie.conf'), 'utf8')
  assert.match(conf, /listener 28883 .*\ncafile .*ca\.pem\n(?:.*\n){2}require_certificate true/)
  const secure = connectOnce(`mqtts://${BIND}:${8883 + SHIFT}`, {
    username: 'u',
    password: 'p',
    reconnectPeriod: 0,
    rejectUnauthorized: false,
  })
  await assert.rejects(secure, 'a client without a certificate was let in')
})
