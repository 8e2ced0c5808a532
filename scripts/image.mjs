// npm run image: builds the images of packaging/docker and packaging/home-assistant with buildah, which needs no Docker
// daemon, and runs what is in them: first start, second start, health check, logins, a volume of eclipse-mosquitto, the add-on.
// Needs root on Linux, a built checkout (npm run build) and what `npm ci` reaches. Where no registry has the base image
// it is made, of debootstrap's Debian and of the package node-linux-ARCH. Containers share this machine's network.
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { root } from './setup.mjs'

const BASE = 'docker.io/library/node:22-slim'
const NODE = '22'
const PORT = 21_883
const HTTP_PORT = 29_883
const ADD_ON_SHIFT = 20_100
const MOSQUITTO_CONF = `listener ${PORT}
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
log_dest file /mosquitto/log/mosquitto.log
log_dest stdout
`
const START_MS_MAX = 60_000

const has = (program) => spawnSync('which', [program]).status === 0
const why =
  process.platform !== 'linux' || process.getuid() !== 0
    ? 'it needs root on Linux'
    : !has('buildah')
      ? 'buildah is not installed'
      : !existsSync(join(root, 'dist', 'program'))
        ? 'the checkout is not built: npm run build'
        : null
if (why !== null) {
  console.log(`skipped: ${why}`)
  process.exit(0)
}

const work = mkdtempSync(join(tmpdir(), 'mozzie-image-'))
const containers = []
const running = new Set()

function output(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    ...options,
  })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`)
}

function holds(condition, words, evidence = '') {
  if (!condition) throw new Error(`not so: ${words}\n${evidence}`)
  console.log(`ok  ${words}`)
}

/** What npm needs in a container to reach what it reaches here. */
function likeHere() {
  const npmrc = join(homedir(), '.npmrc')
  const certificates = process.env.NODE_EXTRA_CA_CERTS
  return [
    ...(existsSync(npmrc) ? ['--volume', `${npmrc}:/root/.npmrc:ro`] : []),
    ...(certificates === undefined ? [] : ['--volume', `${certificates}:${certificates}:ro`]),
  ]
}

function unpackPackage(name, to) {
  const packed = JSON.parse(output('npm', ['pack', name, '--json', '--silent'], { cwd: work }))
  mkdirSync(to, { recursive: true })
  output('tar', ['-xzf', join(work, packed[0].filename), '--strip-components=1', '-C', to])
}

function makeBase() {
  const system = join(work, 'base')
  output('debootstrap', ['--variant=minbase', 'bookworm', system])
  const local = join(system, 'usr', 'local')
  unpackPackage(`node-linux-${process.arch}@${NODE}`, join(work, 'node'))
  cpSync(join(work, 'node', 'bin', 'node'), join(local, 'bin', 'node'))
  chmodSync(join(local, 'bin', 'node'), 0o755)
  unpackPackage('npm@10', join(local, 'lib', 'node_modules', 'npm'))
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  const container = output('buildah', ['from', 'scratch']).trim()
  containers.push(container)
  output('buildah', ['add', '--quiet', container, system, '/'])
  const certificates = process.env.NODE_EXTRA_CA_CERTS
  if (certificates !== undefined)
    output('buildah', ['config', '--env', `NODE_EXTRA_CA_CERTS=${certificates}`, container])
  output('buildah', ['config', '--cmd', 'node', container])
  output('buildah', ['commit', '--quiet', container, BASE])
}

/** Says where the base image comes from: here, a registry, or this machine. */
function haveBase() {
  if (spawnSync('buildah', ['inspect', '--type', 'image', BASE]).status === 0)
    return 'as it is here'
  if (spawnSync('buildah', ['pull', '--quiet', BASE], { timeout: 300_000 }).status === 0)
    return 'pulled'
  makeBase()
  return 'made here, for no registry has it'
}

function build(tag, file, context) {
  const flags = ['bud', '--isolation', 'chroot', '--format', 'docker', '--pull-never', '--network']
  output('buildah', [...flags, 'host', ...likeHere(), '-f', file, '-t', tag, context])
  return JSON.parse(output('buildah', ['inspect', '--type', 'image', tag])).Docker.config
}

/**
 * A container of an image; `run` goes on until it ends or is stopped, `ask` waits for its end. Its data volumes are those
 * that the image names: of a directory that is mounted there buildah 1.28 now and then makes its own.
 */
function containerOf(tag, { Entrypoint: entrypoint }) {
  const name = output('buildah', ['from', '--pull-never', tag]).trim()
  containers.push(name)
  const flags = (settings) =>
    Object.entries(settings).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  const ask = (settings, ...words) =>
    spawnSync(
      'buildah',
      ['run', '--isolation', 'chroot', ...flags(settings), name, '--', ...words],
      {
        encoding: 'utf8',
      },
    )
  const run = async (settings, volumes, ...words) => {
    const mounts = volumes.flatMap((volume) => ['--volume', volume])
    const args = ['run', '--isolation', 'chroot', ...flags(settings), ...mounts, name, '--']
    const child = spawn('buildah', [...args, ...entrypoint, ...words], { detached: true })
    running.add(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes))
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const deadline = Date.now() + START_MS_MAX
    while (!/ running$/m.test(text) && child.exitCode === null && Date.now() < deadline)
      await pause(100)
    const stop = async () => {
      // The group: buildah's own process does not pass the signal on under chroot isolation.
      process.kill(-child.pid, 'SIGTERM')
      await exited
      running.delete(child)
    }
    holds(/ running$/m.test(text), `${tag}: the broker runs`, text)
    return { said: () => text, stop }
  }
  return { ask, run }
}

async function tryBroker() {
  const config = build('mozzie', 'packaging/docker/Dockerfile', '.')
  holds(
    config.User === '1883:1883' && config.Healthcheck !== undefined,
    'mozzie: built, with an account of its own and a health check',
  )
  const { ask, run } = containerOf('mozzie', config)
  const ports = { MOZZIE_PORT: PORT, MOZZIE_HTTP_PORT: HTTP_PORT }

  const first = await run(ports, [])
  const password = /password "([^"]+)"/.exec(first.said())?.[1]
  holds(password !== undefined, 'mozzie: the first start says a password', first.said())
  const login = ['-p', String(PORT), '-u', 'mozzie', '-P', password]
  const publish = ['mosquitto_pub', ...login, '-t', 'kept', '-m', 'yes', '-q', '1', '-r']
  holds(ask({}, ...publish).status === 0, 'mozzie: mosquitto_pub gets in with it')
  holds(
    ask({}, 'mosquitto_pub', '-p', String(PORT), '-t', 'a', '-m', 'b').status !== 0,
    'mozzie: nobody without it',
  )
  const health = ['node', '/opt/mozzie/healthcheck.mjs']
  holds(ask(ports, ...health).status === 0, 'mozzie: the health check passes')
  const page = await fetch(`http://127.0.0.1:${HTTP_PORT}/`)
  holds(/<html/.test(await page.text()), 'mozzie: the page is there')
  await first.stop()
  holds(ask(ports, ...health).status === 1, 'mozzie: the health check fails when it is stopped')

  const second = await run(ports, [])
  holds(!second.said().includes('password "'), 'mozzie: the second start says none')
  const got = ask({}, 'mosquitto_sub', ...login, '-t', 'kept', '-C', '1', '-W', '20')
  holds(got.stdout === 'yes\n', 'mozzie: what was retained is there', got.stderr)
  await second.stop()

  const old = join(work, 'mosquitto')
  mkdirSync(old)
  writeFileSync(join(old, 'mosquitto.conf'), MOSQUITTO_CONF)
  const third = await run({}, [`${old}:/mosquitto/config`])
  const anonymous = ['mosquitto_pub', '-p', String(PORT), '-t', 'a', '-m', 'b']
  holds(ask({}, ...anonymous).status === 0, 'mozzie: runs the configuration of eclipse-mosquitto')
  const logged = ask({}, 'cat', '/mosquitto/log/mosquitto.log').stdout
  holds(/ running$/m.test(logged), 'mozzie: its log is where that image has it', logged)
  const kept = ask({}, 'ls', '/mosquitto/data').stdout
  holds(kept === 'mozzie.db\n', 'mozzie: so is its data', kept)
  await third.stop()
}

async function tryAddOn() {
  const context = join(work, 'add-on')
  cpSync(join(root, 'packaging', 'home-assistant', 'mozzie'), context, { recursive: true })
  const packed = output('npm', [
    'pack',
    '--ignore-scripts',
    '--silent',
    '--pack-destination',
    context,
  ])
  // Until it is published it comes out of this checkout.
  const file = join(context, 'Dockerfile')
  const published = 'RUN npm install --global --ignore-scripts "mozzie@${BUILD_VERSION}"'
  const text = readFileSync(file, 'utf8')
  holds(text.includes(published), 'add-on: installs the published package')
  const name = packed.trim()
  const local = `COPY ${name} /tmp/\nRUN npm install --global --ignore-scripts /tmp/${name}`
  writeFileSync(file, text.replace(published, local))
  const config = build('mozzie-add-on', file, context)
  const { ask, run } = containerOf('mozzie-add-on', config)
  const data = join(work, 'add-on-data')
  mkdirSync(data)
  writeFileSync(
    join(data, 'options.json'),
    JSON.stringify({ logins: [{ username: 'tv', password: 'set' }] }),
  )
  // Nobody plays the Supervisor: it is told of nothing, and logins are those of the options.
  const settings = { MOZZIE_ADDON_PORTS_AT: ADD_ON_SHIFT, SUPERVISOR_URL: 'http://127.0.0.1:9' }
  const { stop } = await run(settings, [`${data}:/data`])
  const at = ['-p', String(1883 + ADD_ON_SHIFT), '-t', 'a', '-m', 'b']
  const publish = (password) => ask({}, 'mozzie_pub', ...at, '-u', 'tv', '-P', password).status
  holds(publish('set') === 0, 'add-on: a login of the options gets in')
  holds(publish('tes') !== 0, 'add-on: with another password it does not')
  await stop()
}

try {
  console.log(`base image ${BASE}: ${haveBase()}`)
  await tryBroker()
  await tryAddOn()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  for (const child of running) process.kill(-child.pid, 'SIGKILL')
  for (const name of containers) spawnSync('buildah', ['rm', name])
  rmSync(work, { recursive: true, force: true })
}
