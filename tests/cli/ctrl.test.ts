/** `mozzie ctrl` and mosquitto_ctrl, each on our broker and on mosquitto; then what is ours alone. */
import assert from 'node:assert/strict'
import { spawn, type SpawnSyncReturns } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { complete, isSecret, wordsOf } from '../../src/cli/ctrl/shell.ts'
import { moduleOf } from '../../src/cli/ctrl/run-command.ts'
import { startSecured } from '../auth/secured.ts'
import { dynamicConf, dynamicFile } from '../auth/dynamic/driver.ts'
import { skipWithoutPlugin, startPlugin, textOf } from '../auth/dynamic/plugin.ts'
import { scratch, until } from '../server/run-mozzie.ts'
import { endWithUs } from '../support/children.ts'

const theirs = '/usr/bin/mosquitto_ctrl'
const skip = existsSync(theirs) ? skipWithoutPlugin : `${theirs} is not installed`
const scene = {
  users: { u: ['r:3', 's'], plain: [] },
  groups: { g: { roles: ['r', 's:2'], users: ['u', 'plain:4'] }, empty: {} },
  roles: { r: ['allow send a', 'deny unsubscribe # 3', 'allow receive b/#'], s: [] },
}

/** In this order, on a broker with the scene above. */
const commands = [
  'getClient u',
  'getClient plain',
  'getClient nobody',
  'getGroup g',
  'getGroup empty',
  'getRole r',
  'getRole s',
  'listClients',
  'listClients 0',
  'listClients 1 1',
  'listClients -1 0',
  'listGroups',
  'listRoles 2',
  'getDefaultACLAccess',
  // What mosquitto_ctrl 2.0 makes of "allow" is deny.
  'setDefaultACLAccess subscribe deny',
  'getDefaultACLAccess',
  'getAnonymousGroup',
  'setAnonymousGroup g',
  'getAnonymousGroup',
  'createClient new -p secret -c only',
  'createClient new -p secret',
  'setClientId u other',
  'setClientPassword u changed',
  'addClientRole new r 7',
  'addClientRole new none',
  'removeClientRole u s',
  'disableClient plain',
  'enableClient plain',
  'disableClient plain',
  'createGroup n',
  'addGroupRole n r 5',
  'addGroupClient n new 2',
  'removeGroupClient g u',
  'removeGroupRole g r',
  'createRole t',
  'addRoleACL t subscribePattern x/# allow 4',
  'addRoleACL t publishClientSend y deny',
  'removeRoleACL r publishClientSend a',
  'getClient new',
  'getClient u',
  'getClient plain',
  'getGroup n',
  'getGroup g',
  'getRole t',
  'getRole r',
  'deleteRole r',
  'deleteGroup n',
  'deleteClient new',
  'listClients',
  'listGroups',
  'listRoles',
]

/** The broker goes on meanwhile, whose log this process reads. */
async function runProgram(
  [program, ...args]: readonly string[],
  input = '',
): Promise<Pick<SpawnSyncReturns<string>, 'status' | 'stdout' | 'stderr'>> {
  const child = endWithUs(spawn(program, args, { stdio: 'pipe' }))
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => void (said[name] += text))
  child.stdin.on('error', () => {}).end(input)
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, ...said }
}

/** All that it prints but what it warns of. */
async function outputs(program: readonly string[], port: number): Promise<string[]> {
  const login = ['-h', '127.0.0.1', '-p', String(port), '-u', 'admin', '-P', 'admin', 'dynsec']
  const all: string[] = []
  for (const line of commands) {
    const { stdout, stderr } = await runProgram([...program, ...login, ...line.split(' ')])
    const said = stderr
      .split('\n')
      .filter((text) => text !== '' && !/^Warning|^This means/.test(text))
    all.push([`$ ${line}`, ...stdout.trimEnd().split('\n'), ...said].join('\n'))
  }
  return all
}

const ours = [process.execPath, resolve('bin/mozzie_ctrl')]

test(
  'mosquitto_ctrl drives our broker, and mozzie ctrl mosquitto: what they print is the same',
  { skip },
  async (context) => {
    const plugin = await startPlugin(context, scratch(context))
    await plugin.load(await textOf(scene))
    const expected = await outputs([theirs], plugin.port)
    await plugin.load(await textOf(scene))
    assert.deepEqual(await outputs(ours, plugin.port), expected)
    for (const program of [[theirs], ours]) {
      const broker = await startSecured(context, dynamicConf, {
        'dynsec.json': await dynamicFile(scene),
      })
      assert.deepEqual(await outputs(program, broker.ports[0]), expected)
    }
  },
)

async function startBroker(context: Parameters<typeof startSecured>[0]) {
  const broker = await startSecured(context, `${dynamicConf}enable_control_api true\n`, {
    'dynsec.json': await dynamicFile(scene),
  })
  const login = ['-h', '127.0.0.1', '-p', String(broker.ports[0]), '-u', 'admin', '-P', 'admin']
  const run = (words: readonly string[], input = '') =>
    runProgram([process.execPath, 'bin/mozzie', 'ctrl', ...login, ...words], input)
  return { broker, login, run }
}

test('the exit code says whether it was done', async (context) => {
  const { run } = await startBroker(context)
  assert.equal((await run(['dynsec', 'createRole', 'x'])).status, 0)
  const again = await run(['dynsec', 'createRole', 'x'])
  assert.deepEqual([again.status, again.stderr], [1, 'createRole: Error: Role already exists\n'])
  const wrong = await run(['dynsec', 'addRoleACL', 'x', 'publish', 'a', 'allow'])
  assert.equal(wrong.status, 3)
  assert.match(wrong.stderr, /"publish" is none of publishClientSend, .*\nUsage: addRoleACL ROLE/)
  assert.match((await run(['dynsec', 'nothing'])).stderr, /Command 'nothing' not recognised/)
  assert.match((await run(['other', 'thing'])).stderr, /Module 'other' not supported/)
  const refused = await run(['-P', 'wrong', 'dynsec', 'listRoles'])
  assert.match(refused.stderr, /Not authorized/)
})

test('broker listListeners and listPlugins say what runs', async (context) => {
  const { run, broker } = await startBroker(context)
  const { stdout: listeners } = await run(['broker', 'listListeners'])
  assert.match(
    listeners,
    new RegExp(`Port: +${broker.ports[0]}\\n +Protocol: +mqtt\\n +Bind address: 127.0.0.1`),
  )
  assert.match(
    (await run(['broker', 'listPlugins'])).stdout,
    /dynamic-security\n.*\n.*\$CONTROL\/dynamic-security\/v1/,
  )
})

test('commands that have no words of their own go as JSON', async (context) => {
  const { run } = await startBroker(context)
  await run(['dynsec', 'send', '{"command":"modifyRole","rolename":"s","textname":"S"}'])
  const { stdout } = await run(['dynsec', 'send', '{"command":"getRole","rolename":"s"}'])
  assert.equal((JSON.parse(stdout) as { role: { textname: string } }).role.textname, 'S')
})

test('from a pipe it reads one command a line, in a module or with its name', async (context) => {
  const { run } = await startBroker(context)
  const input =
    'dynsec listRoles 1\n# a remark\ndynsec\ncreateRole "two words"\nreturn\nbroker listListeners\ndynsec\ngetRole "two words"\nexit\nlistRoles\n'
  const { stdout, status } = await run([], input)
  assert.match(stdout, /^admin\nListener 1:[^]*Rolename: two words\n$/)
  assert.equal(status, 0)
  assert.equal((await run([], 'dynsec deleteRole none\n')).status, 1)
})

test(
  'the password is not in the list of processes',
  { skip: process.platform !== 'linux' },
  async (context) => {
    const { login } = await startBroker(context)
    const args = ['bin/mozzie', 'ctrl', ...login]
    const child = endWithUs(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text))
    child.stdin.write('dynsec listRoles\n')
    await until(
      () => out.includes('admin\n'),
      () => out,
    )
    const seen = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    assert.ok(seen.startsWith('mozzie ctrl') && !seen.includes('-P'), seen)
    child.stdin.end()
  },
)

test('dynsec init makes a file that a broker starts with, and no second time', async (context) => {
  const file = join(scratch(context), 'd.json')
  const init = () =>
    runProgram([process.execPath, 'bin/mozzie', 'ctrl', 'dynsec', 'init', file, 'boss', 'pw'])
  assert.equal((await init()).status, 0)
  assert.equal(statSync(file).mode & 0o777 & ~0o640, 0)
  const { clients } = JSON.parse(readFileSync(file, 'utf8')) as {
    clients: { username: string; salt: string }[]
  }
  assert.equal(clients[0].username, 'boss')
  const again = await init()
  assert.equal(again.status, 10)
  assert.match(again.stderr, /already exists/)
})

test('dynsec init leaves no file behind that it could not write whole', async (context) => {
  const file = join(scratch(context), 'dynsec.json')
  const shell = ['/bin/sh', '-c', 'ulimit -f 0; exec "$@"', 'sh']
  const { status, stderr } = await runProgram([...shell, ...ours, 'dynsec', 'init', file, 'a', 'p'])
  assert.equal(status, 10)
  assert.match(stderr, /^dynsec init: /)
  assert.equal(existsSync(file), false)
})

test('a connection that is lost meanwhile is told of in words', async (context) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // CONNACK; whatever comes then is answered by an end.
    socket.once('data', () => {
      socket.write(Uint8Array.of(0x20, 3, 0, 0, 0))
      socket.once('data', () => socket.destroy())
    })
  })
  context.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const place = ['-h', '127.0.0.1', '-p', String(port)]
  const { status, stderr } = await runProgram([...ours, ...place, 'dynsec', 'listClients'])
  assert.deepEqual([status, /^Error: .*closed.*\n$/.test(stderr)], [7, true], stderr)
})

test('-f FILE sets a password where no broker runs', async (context) => {
  const file = join(scratch(context), 'd.json')
  writeFileSync(file, await dynamicFile(scene))
  const before = readFileSync(file, 'utf8')
  const run = (...words: string[]) =>
    runProgram([process.execPath, 'bin/mozzie', 'ctrl', '-f', file, 'dynsec', ...words])
  assert.equal((await run('setClientPassword', 'u', 'new')).status, 0)
  assert.notEqual(readFileSync(file, 'utf8'), before)
  assert.match((await run('deleteClient', 'u')).stderr, /only setClientPassword/)
  assert.match((await run('setClientPassword', 'nobody', 'x')).stderr, /Client not found/)
})

test('it is called by a link named mosquitto_ctrl, too', async (context) => {
  const link = join(scratch(context), 'mosquitto_ctrl')
  symlinkSync(resolve('bin/mozzie'), link)
  const { stdout } = await runProgram([link, '--help'])
  assert.match(stdout, /^Usage: mozzie ctrl/)
})

test('Tab completes modules, commands and their fixed words', () => {
  const dynsec = moduleOf('dynsec') ?? null
  assert.deepEqual(complete(null, 'dy'), [['dynsec'], 'dy'])
  assert.deepEqual(complete(null, 'dynsec addc'), [['addClientRole'], 'addc'])
  assert.deepEqual(complete(dynsec, 'addrolea'), [['addRoleACL'], 'addrolea'])
  assert.deepEqual(complete(dynsec, 'addRoleACL r subscribeL'), [
    ['subscribeLiteral'],
    'subscribeL',
  ])
  assert.deepEqual(complete(dynsec, 'addRoleACL r subscribeLiteral a al'), [['allow'], 'al'])
  assert.deepEqual(complete(null, 'x y'), [[], 'y'])
})

test('lines are split at blanks outside of quotation marks; those with a password are not remembered', () => {
  assert.deepEqual(wordsOf(`a "b c" 'd e' "f \\"g" h`), ['a', 'b c', 'd e', 'f "g', 'h'])
  for (const line of [
    'createClient u -p x',
    'dynsec setClientPassword u x',
    'send {"password": "x"}',
    String.raw`send "{\"password\": \"x\"}"`,
  ])
    assert.ok(isSecret(line), line)
  for (const line of ['createClient u', 'setClientPassword u', 'getClient u'])
    assert.ok(!isSecret(line), line)
})
