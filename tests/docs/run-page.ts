/**
 * Runs the command blocks of one page as they stand there, in name spaces of its own: ports, /etc, /var and /run are
 * as on a machine where nothing of ours runs. Called by `pages.test.ts`:
 *
 *     unshare --net --mount node run-page.js PAGE CHECKOUT SCRATCH        prints what failed, a line each
 *
 * Brokers, and what waits for messages, go on until the block or the page is over.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processMsMax } from '../support/patience.ts'
import { blocksOf, commandsOf, type Block } from './blocks.ts'

const [page, checkout, scratch] = process.argv.slice(2)
const LATER_MS = 300
/** The file of a reader who has one. */
const SAMPLE = 'user root\nlistener 1883\nallow_anonymous true\npid_file /run/mozzie/mozzie.pid\n'
/** The file of one who comes from mosquitto. */
const MOSQUITTO_SAMPLE =
  'listener 1883\nallow_anonymous true\npersistence true\npersistence_location /var/lib/mosquitto/\n'
const text = readFileSync(join(checkout, page), 'utf8')
/** Exit code of sub and rr when nothing came in time. */
const TIMED_OUT = 27

const isBroker = (command: string): boolean =>
  /^(bin\/)?mozzie( +-|\s*(#|$))/.test(command) && !/--(help|version|test-config)/.test(command)
const waits = (command: string): boolean =>
  / (sub|rr) /.test(command) && !/ -(C|E|W) ?/.test(command)
const needsBroker = /\bmozzie(_sub)? (sub|pub|rr|retained|bench)\b|mosquitto_(pub|sub)/

function prepare(): NodeJS.ProcessEnv {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', scratch])
  for (const place of ['etc', 'var/lib', 'var/log', 'run', 'usr/local']) {
    const [upper, work] = ['upper', 'work'].map((name) => join(scratch, place, name))
    for (const each of [upper, work]) mkdirSync(each, { recursive: true })
    const layers = `lowerdir=/${place},upperdir=${upper},workdir=${work}`
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, `/${place}`])
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  appendFileSync('/etc/hosts', '127.0.0.1 broker.example\n')
  if (text.includes('/etc/mosquitto/')) {
    mkdirSync('/etc/mosquitto', { recursive: true })
    writeFileSync('/etc/mosquitto/mosquitto.conf', MOSQUITTO_SAMPLE)
  } else {
    // Who never had mosquitto has no account of that name either.
    const accounts = readFileSync('/etc/passwd', 'utf8')
    writeFileSync('/etc/passwd', accounts.replace(/^mosquitto:.*\n/m, ''))
  }
  const [home, programs] = [join(scratch, 'home'), join(scratch, 'programs')]
  for (const each of [home, programs]) mkdirSync(each)
  for (const name of ['mozzie', 'mozzie_pub', 'mozzie_sub', 'mozzie_rr', 'mozzie_passwd'])
    symlinkSync(join(checkout, 'bin', name), join(programs, name))
  symlinkSync(join(checkout, 'bin'), join(home, 'bin'))
  symlinkSync(join(checkout, 'packaging'), join(home, 'packaging'))
  writeFileSync(join(home, 'mosquitto.conf'), 'listener 1883\nallow_anonymous true\n')
  writeFileSync(join(home, 'app.log'), 'one\ntwo\n')
  writeFileSync(join(home, 'picture.jpg'), 'jpeg')
  const hex = readFileSync(join(checkout, 'tests/corpus/mosquitto-6.hex'), 'utf8')
  mkdirSync('/var/lib/mosquitto', { recursive: true })
  for (const place of [join(home, 'mosquitto.db'), '/var/lib/mosquitto/mosquitto.db'])
    writeFileSync(place, Buffer.from(hex.replace(/\s/g, ''), 'hex'))
  cpSync(process.execPath, join(programs, 'node'))
  // A page that does not make the directory itself is for somebody who has it.
  if (!/(mkdir -p|tls-init) \/etc\/mozzie/.test(text)) {
    for (const place of ['/etc/mozzie', '/run/mozzie']) mkdirSync(place)
    writeFileSync('/etc/mozzie/mozzie.conf', SAMPLE)
  }
  process.chdir(home)
  return {
    ...process.env,
    HOME: home,
    XDG_STATE_HOME: home,
    PATH: `${programs}:${process.env['PATH']}`,
  }
}

interface Running {
  readonly command: string
  readonly child: ChildProcess
  readonly output: () => string
}

const env = prepare()
const failures: string[] = []
let broker: Running | null = null

function start(command: string): Running {
  const child = spawn('bash', ['-c', command], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  // Passwords that are asked for.
  child.stdin.on('error', () => {})
  child.stdin.end('secret\nsecret\n')
  return { command, child, output: () => output }
}

const hasEnded = ({ child }: Running): boolean =>
  child.exitCode !== null || child.signalCode !== null

async function end(running: Running): Promise<void> {
  if (hasEnded(running)) return
  const closed = once(running.child, 'exit')
  process.kill(-running.child.pid!, 'SIGKILL')
  await closed
}

async function startBroker(command: string): Promise<void> {
  if (broker !== null) await end(broker)
  broker = start(command)
  const deadline = performance.now() + processMsMax
  while (!/version \S+ running/.test(broker.output())) {
    if (hasEnded(broker) || performance.now() > deadline)
      return void failures.push(`${command}: the broker does not start\n${broker.output()}`)
    await sleep(20)
  }
}

function judge({ command, child, output }: Running, where: string): void {
  const { exitCode, signalCode } = child
  if (exitCode === 0 || exitCode === TIMED_OUT) return
  failures.push(`${where}: ${command}: ended with ${exitCode ?? signalCode}\n${output()}`)
}

async function runBlock(block: Block): Promise<void> {
  const where = `line ${block.line}`
  const waiting: Running[] = []
  for (const command of commandsOf(block)) {
    if (isBroker(command)) {
      await startBroker(command)
      continue
    }
    if (broker === null && needsBroker.test(command)) await startBroker('mozzie')
    const running = start(command)
    if (waits(command)) {
      waiting.push(running)
      await sleep(LATER_MS)
      continue
    }
    if (!hasEnded(running))
      await Promise.race([once(running.child, 'exit'), sleep(processMsMax, null, { ref: false })])
    judge(running, where)
    await end(running)
  }
  for (const running of waiting) {
    if (hasEnded(running)) judge(running, where)
    await end(running)
  }
}

for (const block of blocksOf(text)) {
  if (block.file !== null) {
    mkdirSync(dirname(block.file), { recursive: true })
    writeFileSync(block.file, `${block.code}\n`)
  } else if (block.language === 'sh' && block.notRun === null) await runBlock(block)
}
if (broker !== null) await end(broker)
for (const failure of failures) console.log(failure)
process.exit()
