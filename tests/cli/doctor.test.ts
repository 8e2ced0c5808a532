/** `mozzie doctor` against real brokers, files and certificates. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startBroker } from '../support/broker-process.ts'
import { makeCertificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import { WORDS_EN } from '../../src/cli/doctor/words-en.ts'
import { WORDS_ZH } from '../../src/cli/doctor/words-zh.ts'

interface Report {
  readonly code: number
  readonly stdout: string
  /** Names of what is wrong or worth knowing, in order. */
  readonly findings: readonly string[]
  readonly wrong: readonly string[]
  text(finding: string): string
}

const program = join(process.cwd(), 'bin', 'mozzie')

function run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env }, timeout: processMsMax }
    execFile(process.execPath, [program, ...words], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

async function examine(...words: string[]): Promise<Report> {
  const { code, stdout, stderr } = await run(['doctor', '--json', ...words])
  assert.equal(stderr, '')
  const report = JSON.parse(stdout)
  const text = (finding: string): string =>
    report.findings.find((each: { finding: string }) => each.finding === finding)?.text ?? ''
  const names = (state: (text: string) => boolean): string[] =>
    report.findings
      .filter((each: { state: string }) => state(each.state))
      .map((each: { finding: string }) => each.finding)
  return {
    code,
    stdout,
    text,
    findings: names(() => true),
    wrong: names((state) => state === 'bad'),
  }
}

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-doctor-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function configOf(directory: string, ...lines: string[]): string {
  const file = join(directory, 'mozzie.conf')
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  return file
}

test('a login that is refused is explained: no user name, no such user, another password', async (context) => {
  const directory = scratch(context)
  const passwords = join(directory, 'passwords')
  await run(['passwd', '-b', '-c', passwords, 'ann', 'secret'])
  const lines = `allow_anonymous false\npassword_file ${passwords}`
  const broker = await startBroker(lines, 'mozzie')
  context.after(broker.stop)
  const config = configOf(directory, `listener ${broker.port} 127.0.0.1`, lines, 'user root')
  const url = `mqtt://127.0.0.1:${broker.port}`
  const wrongOf = async (...words: string[]): Promise<readonly string[]> =>
    (await examine('-c', config, '--url', url, ...words)).wrong
  assert.deepEqual(await wrongOf(), ['refusedAnonymous'])
  assert.deepEqual(await wrongOf('-u', 'anne', '-P', 'x'), ['refusedNearUser'])
  assert.deepEqual(await wrongOf('-u', 'somebody', '-P', 'x'), ['refusedUnknownUser'])
  assert.deepEqual(await wrongOf('-u', 'ann', '-P', 'x'), ['refusedPassword'])
  assert.deepEqual(await wrongOf('-u', 'ann', '-P', 'secret'), [])
  const outside = await examine('--url', url)
  assert.deepEqual(outside.wrong, ['refusedLogin'])
  assert.equal(outside.code, 2)
})

test('logins by go-auth, by dynamic security and by token are ways to log in, and refusals say why', async (context) => {
  const directory = scratch(context)
  const users = join(directory, 'users')
  // Of the password "secret".
  writeFileSync(users, 'ann:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n', {
    mode: 0o600,
  })
  const lines = [
    'plugin go-auth.so',
    'plugin_opt_backends files',
    `plugin_opt_files_password_path ${users}`,
    'user root',
  ]
  const broker = await startBroker(lines.join('\n'), 'mozzie')
  context.after(broker.stop)
  const config = configOf(directory, `listener ${broker.port} 127.0.0.1`, ...lines)
  const url = `mqtt://127.0.0.1:${broker.port}`
  const wrong = await examine('-c', config, '--url', url, '-u', 'ann', '-P', 'x')
  assert.deepEqual(wrong.wrong, ['refusedPassword'])
  assert.match(wrong.text('listenerGood'), /mosquitto-go-auth \(files\)/)
  const unknown = await examine('-c', config, '--url', url, '-u', 'bob', '-P', 'x')
  assert.deepEqual(unknown.wrong, ['refusedUnknownUser'])
  const key = join(directory, 'key')
  writeFileSync(key, 'a secret of more than thirty-two characters')
  const others = configOf(
    directory,
    'listener 1 127.0.0.1',
    `auth_jwt_key_file ${key}`,
    `dynamic_security_file ${join(directory, 'none.json')}`,
  )
  const ways = await examine('-c', others)
  assert.match(ways.text('listenerGood'), /dynamic_security_file .*, auth_jwt_key_file /)
})

test('a user who is disabled, and one with another client id, are explained', async (context) => {
  const directory = scratch(context)
  const file = join(directory, 'dynsec.json')
  const made = await run(['ctrl', 'dynsec', 'init', file, 'admin', 'secret'])
  assert.equal(made.code, 0, made.stderr)
  const state = JSON.parse(readFileSync(file, 'utf8'))
  const [admin] = state.clients
  state.clients.push({ ...admin, username: 'off', disabled: true })
  state.clients.push({ ...admin, username: 'one', clientid: 'till-1' })
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 })
  const lines = [`dynamic_security_file ${file}`, 'user root']
  const broker = await startBroker(lines.join('\n'), 'mozzie')
  context.after(broker.stop)
  const config = configOf(directory, `listener ${broker.port} 127.0.0.1`, ...lines)
  const url = `mqtt://127.0.0.1:${broker.port}`
  const wrongOf = async (user: string): Promise<readonly string[]> =>
    (await examine('-c', config, '--url', url, '-u', user, '-P', 'secret')).wrong
  assert.deepEqual(await wrongOf('off'), ['refusedDisabled'])
  assert.deepEqual(await wrongOf('one'), ['refusedClientId'])
  assert.deepEqual(await wrongOf('nobody'), ['refusedUnknownUser'])
})

test('a configuration that is not there is told apart from one with a mistake', async (context) => {
  const { wrong, code } = await examine('-c', join(scratch(context), 'none.conf'))
  assert.deepEqual(wrong, ['configUnreadable'])
  assert.equal(code, 2)
})

test('the next command takes what others chose as one word, and stands on a line of its own', async (context) => {
  const directory = scratch(context)
  const passwords = join(directory, 'pass words')
  await run(['passwd', '-b', '-c', passwords, 'ann', 'secret'])
  const lines = `allow_anonymous false\npassword_file ${passwords}`
  const broker = await startBroker(lines, 'mozzie')
  context.after(broker.stop)
  const config = configOf(directory, `listener ${broker.port} 127.0.0.1`, lines, 'user root')
  const { stdout } = await run(['doctor', '-c', config, '-u', "x'; reboot #", '-P', 'x'])
  const next = `    → mozzie passwd '${passwords}' 'x'\\''; reboot #'\n`
  assert.ok(stdout.includes(next), stdout)
})

test('another broker at the port of the configuration is not taken for this one', async (context) => {
  const other = createServer((socket) => {
    // CONNACK; SUBACK with the identifier of the SUBSCRIBE, and the version as mosquitto says it.
    socket.once('data', () => {
      socket.write(Uint8Array.of(0x20, 3, 0, 0, 0))
      socket.once('data', (subscribe) => {
        socket.write(Uint8Array.of(0x90, 4, subscribe[2], subscribe[3], 0, 0))
        const topic = Buffer.from('$SYS/broker/version')
        const payload = Buffer.from('mosquitto version 2.0.11')
        const head = [0x31, 2 + topic.length + 1 + payload.length, 0, topic.length]
        socket.write(Buffer.concat([Uint8Array.from(head), topic, Uint8Array.of(0), payload]))
      })
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  context.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const config = configOf(scratch(context), `listener ${port} 127.0.0.1`, 'allow_anonymous true')
  const { wrong, text } = await examine('-c', config)
  assert.deepEqual(wrong, ['otherBroker'])
  assert.match(text('otherBroker'), /mosquitto version 2\.0\.11/)
})

test('a configuration that cannot be read is told by file and line, and nothing rests on it', async (context) => {
  const config = configOf(scratch(context), 'listener 1883', 'max_keepalive many')
  const { wrong, text, code } = await examine('-c', config)
  assert.deepEqual(wrong, ['configWrong'])
  assert.match(text('configWrong'), /mozzie\.conf:2: /)
  assert.equal(code, 2)
})

test('without -c the first file of MOZZIE_CONFIG that exists is looked at', async (context) => {
  const directory = scratch(context)
  const config = configOf(directory, `listener ${await freePort()}`, 'acl_file /nowhere/acl')
  const { stdout } = await run(['doctor', '--json'], { MOZZIE_CONFIG: `/nowhere/a:${config}` })
  assert.ok(stdout.includes('/nowhere/acl'), stdout)
})

test('an open listener, a missing file and a closed listener are each named', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const open = configOf(
    directory,
    `listener ${port}`,
    'allow_anonymous true',
    'acl_file /nowhere/acl',
  )
  const first = await examine('-c', open)
  assert.deepEqual(first.wrong, ['listenerOpen', 'fileMissing', 'portClosed'])
  const closed = configOf(directory, `listener ${port} 127.0.0.1`)
  assert.ok((await examine('-c', closed)).wrong.includes('listenerClosed'))
})

test('TLS: an unknown authority, another name, a plain port, a TLS port', async (context) => {
  const certificates = await makeCertificates()
  context.after(certificates.remove)
  const { directory, server } = certificates
  const authority = certificates.authority.certificateFile
  const broker = await startBroker('', 'mozzie')
  context.after(broker.stop)
  const port = await freePort()
  const secure = await startBroker(
    `listener ${port} 127.0.0.1\ncertfile ${server.certificateFile}\nkeyfile ${server.keyFile}`,
    'mozzie',
  )
  context.after(secure.stop)
  const wrongOf = async (...words: string[]): Promise<readonly string[]> =>
    (await examine(...words)).wrong
  const url = `mqtts://localhost:${port}`
  assert.deepEqual(await wrongOf('--url', url), ['tlsUntrusted'])
  assert.deepEqual(await wrongOf('--url', url, '--cafile', authority), [])
  assert.deepEqual(await wrongOf('--url', `mqtts://localhost:${broker.port}`), ['tlsIsPlain'])
  assert.deepEqual(await wrongOf('--url', `mqtt://localhost:${port}`), ['plainIsTls'])
  mkdirSync(join(directory, 'store'))
  const config = configOf(
    directory,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `certfile ${server.certificateFile}`,
    `keyfile ${server.keyFile}`,
    'user root',
    'persistence true',
    `persistence_location ${join(directory, 'store')}`,
  )
  const report = await examine('-c', config, '--url', url, '--cafile', authority)
  assert.deepEqual(report.wrong, [])
  for (const finding of ['certificateEnds', 'storeNew', 'diskGood', 'tlsGood', 'connected'])
    assert.ok(report.findings.includes(finding), finding)
})

test('a port where CONNECT is never answered', async (context) => {
  const mute = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  context.after(() => mute.close())
  const { port } = mute.address() as { port: number }
  assert.deepEqual((await examine('--url', `mqtt://127.0.0.1:${port}`)).wrong, ['noConnack'])
})

test('a port where something else listens, and one where nothing does', async (context) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('220 mail\r\n')).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as { port: number }
  assert.deepEqual((await examine('--url', `mqtt://127.0.0.1:${port}`)).wrong, ['notMqtt'])
  const nobody = await examine('--url', `mqtt://127.0.0.1:${await freePort()}`)
  assert.deepEqual(nobody.wrong, ['portClosed'])
  assert.deepEqual((await examine('--url', 'mqtt://nowhere.invalid')).wrong, ['nameUnknown'])
})

test('the words are of the locale, and every finding has its words in both languages', async () => {
  const { stdout } = await run(['doctor', '--url', 'http://x'], { LANG: 'zh_CN.UTF-8' })
  assert.match(stdout, /^!! /)
  assert.deepEqual(Object.keys(WORDS_ZH), Object.keys(WORDS_EN))
  const names = (text: string): string[] =>
    [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort()
  for (const [key, [text, next]] of Object.entries(WORDS_EN)) {
    const [zhText, zhNext] = WORDS_ZH[key as keyof typeof WORDS_EN]
    assert.deepEqual(names(zhText), names(text), key)
    assert.deepEqual(names(zhNext), names(next), key)
    assert.equal(zhNext === '', next === '', key)
  }
})
