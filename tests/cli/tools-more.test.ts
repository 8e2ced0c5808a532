/** Options files, URLs, columns, commands for messages, topics on standard input, pipes that close. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parseProxy } from '../../src/client/node-proxy.ts'
import { parseUrl } from '../../src/client/url.ts'
import { parseBrokerUrl } from '../../src/cli/mqtt/url.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { AT_LAST, debianMissing, makers, runTool, startTool } from './tool-process.ts'

let broker: BrokerProcess
let directory: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mozzie-tools-more-'))
  broker = await startBroker('')
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

const place = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port)]

/** A sub that has subscribed. */
async function subscribed(...flags: string[]) {
  const sub = startTool('mozzie', 'sub', [...place(), '-d', ...AT_LAST, ...flags])
  await sub.printed('SUBACK')
  return sub
}

for (const maker of makers)
  test(`an options file may have blanks anywhere (${maker})`, async () => {
    const topic = `blanks/${maker}`
    const home = join(directory, maker)
    mkdirSync(home)
    const lines = [
      ` -p ${broker.port} `,
      '   ',
      '',
      `  -t ${topic}`,
      '-m  two  blanks ',
      '-q 1 ',
      '--quiet ',
      // Debian's looks such a name up with its blank.
      maker === 'debian' ? '-h 127.0.0.1' : '-h 127.0.0.1 ',
    ]
    writeFileSync(join(home, 'mosquitto_pub'), `${lines.join('\n')}\n`)
    const sub = await subscribed('-t', topic, '-C', '1', '-F', '[%p]')
    const pub = startTool(maker, 'pub', [], { XDG_CONFIG_HOME: home })
    assert.deepEqual(await pub.outcome, { code: 0, stdout: '', stderr: '' })
    assert.match((await sub.outcome).stdout, /^\[ two {2}blanks \]$/m)
  })

test('-L decodes user, password and topic, and leaves a percent sign alone', () => {
  const partsOf = (url: string) => {
    const parts = parseBrokerUrl(url)
    assert.equal(typeof parts, 'object')
    return parts as Exclude<typeof parts, string>
  }
  const { username, password, topic } = partsOf('mqtt://a%40b:p%3Aq@h/t/%40?x=1%')
  assert.deepEqual([username, password, topic], ['a@b', 'p:q', 't/@?x=1%'])
  assert.equal(partsOf('mqtt://100%@h/t').username, '100%')
  const { port, tls } = partsOf('wss://h:80/t')
  assert.deepEqual([port, tls], [80, true])
})

test('URLs: percent signs, queries and ports that are another scheme’s', () => {
  assert.equal(parseUrl('mqtt://100%@host').username, '100%')
  assert.equal(parseUrl('mqtt://u:%zz%40%@host').password, '%zz@%')
  assert.equal(parseProxy('socks5h://100%:x%@host').username, '100%')
  assert.equal(parseUrl('ws://h/p?token=a%20b').path, '/p?token=a%20b')
  assert.equal(parseUrl('ws://h?token=1').path, '/mqtt?token=1')
  assert.deepEqual([parseUrl('wss://h:80').port, parseUrl('ws://h:443').port], [80, 443])
  assert.equal(parseUrl('wss://h').port, 443)
})

test('--stdin-topics takes what sub -v prints', async () => {
  const sub = await subscribed('-t', 'lines/#', '-v', '-C', '3')
  const input = 'lines/a one two\nlines/# no\nlines/b\nlines/c  x\n'
  const pub = await runTool('mozzie', 'pub', [...place(), '--stdin-topics', '-q', '1'], input)
  assert.equal(pub.code, 0)
  assert.match(pub.stderr, /Invalid publish topic 'lines\/#', the line is left out/)
  const { stdout } = await sub.outcome
  assert.match(stdout, /^lines\/a one two\n(?:.*\n)*lines\/b \(null\)\n(?:.*\n)*lines\/c {2}x\n/m)
})

test('--exec runs a command for each message, in order, without a shell', async () => {
  const script =
    'let i="";process.stdin.on("data",(d)=>i+=d).on("end",()=>console.log(JSON.stringify([process.env.MQTT_TOPIC,process.env.MQTT_QOS,i,process.argv.slice(1)])))'
  const command = [process.execPath, '-e', script, '--', '$(id)', '-t']
  const sub = await subscribed('-t', 'run/#', '-q', '1', '-C', '2', '--exec', ...command)
  const evil = 'run/$(touch x);`id`'
  for (const [topic, message] of [
    [evil, '"; id'],
    ['run/2', ''],
  ])
    await runTool('mozzie', 'pub', [...place(), '-t', topic, '-m', message, '-q', '1'])
  const { stdout, code } = await sub.outcome
  const lines = stdout.split('\n').filter((line) => line.startsWith('['))
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      [evil, '1', '"; id', ['$(id)', '-t']],
      ['run/2', '1', '', ['$(id)', '-t']],
    ],
  )
  assert.equal(code, 0)
})

test('--exec says when the command fails or is not there, and goes on', async () => {
  for (const [command, said] of [
    ['false', /Error: false ended with exit code 1\./],
    ['/nonexistent/x', /Error: spawn \/nonexistent\/x ENOENT\./],
  ] as const) {
    const sub = await subscribed('-t', 'fails', '-C', '2', '--exec', command)
    for (const message of ['1', '2'])
      await runTool('mozzie', 'pub', [...place(), '-t', 'fails', '-m', message])
    const { stderr, code } = await sub.outcome
    assert.equal(stderr.match(new RegExp(said, 'g'))?.length, 2)
    assert.equal(code, 0)
  }
})

test('a proxy that says nothing does not keep sub or pub', async (context) => {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const proxy = `socks5h://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sub = await runTool('mozzie', 'sub', ['--proxy', proxy, '-t', 'x', '-W', '1'])
  assert.equal(sub.code, 255)
  const pub = startTool('mozzie', 'pub', ['--proxy', proxy, '-t', 'x', '-m', 'x'])
  await once(server, 'connection')
  pub.kill('SIGTERM')
  await pub.outcome
})

const scriptTool = existsSync('/usr/bin/script')

test(
  'an encrypted --key asks for its pass phrase on the terminal',
  { skip: !scriptTool },
  async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: {
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'open',
      },
    })
    const key = join(directory, 'key.pem')
    writeFileSync(key, privateKey)
    const tool = `${process.execPath} ${join(process.cwd(), 'bin', 'mozzie_pub')} ${place().join(' ')} -t x -m x --cert ${key} --key ${key} --tls-use-os-certs`
    const shownAfter = async (keys: string): Promise<string> => {
      const child = spawn('script', ['-qec', tool, '/dev/null'], { stdio: 'pipe' })
      let shown = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text
        if (shown.includes('Pass phrase of') && child.stdin.writable) child.stdin.end(keys)
      })
      await once(child, 'close')
      assert.match(shown, /Pass phrase of .*key\.pem: /)
      return shown
    }
    const shown = await shownAfter('wrong\r')
    assert.ok(!shown.includes('wrong'))
    assert.match(shown, /Problem setting TLS options/)
    assert.match(await shownAfter('\u0003'), /Error: Interrupted\.\s+The key cannot be used/)
    const run = promisify(execFile)
    const alone = run('setsid', ['-w', ...tool.split(' ')]).catch(
      (error: { stderr: string }) => error,
    )
    assert.match((await alone).stderr, /there is no terminal to ask/)
  },
)

test('the Debian tools are there to compare with', { skip: debianMissing }, () => undefined)

test('rr --latency that a signal ends says nothing of an answer', async () => {
  const rr = startTool('mozzie', 'rr', [
    ...place(),
    '-d',
    '-t',
    'q',
    '-e',
    'a',
    '-m',
    'x',
    '--latency',
  ])
  await rr.printed('sending PUBLISH')
  rr.kill('SIGINT')
  const { code, stdout } = await rr.outcome
  assert.equal(code, 0)
  assert.ok(!stdout.includes('Latency'), stdout)
})

for (const [signal, what, ending] of [
  ['SIGALRM', 'ends sub as -W does', { code: 27, stderr: 'Timed out\n' }],
  ['SIGUSR1', 'ends sub, and opens no debugger', { code: 138, stderr: '' }],
] as const)
  test(`${signal} ${what}`, async () => {
    const sub = await subscribed('-t', signal)
    sub.kill(signal)
    const { code, stderr } = await sub.outcome
    assert.deepEqual({ code, stderr }, ending)
  })
