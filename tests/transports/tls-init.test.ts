import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { parseTlsInit } from '../../src/cli/tls-init.ts'
import { runToEnd, scratch, startMozzie, until, writeConfig } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { join, timeout } from './secure.ts'
import { connect } from 'node:tls'
import { once } from 'node:events'

test(
  'tls-init makes what its instructions say, and a broker and a client that trust each other',
  { timeout },
  async (context) => {
    const directory = joinPath(scratch(context), 'tls')
    const { code, stdout } = runToEnd(
      'tls-init',
      directory,
      '--host',
      'localhost',
      '--host',
      '127.0.0.1',
      '--client',
      'Jürgen',
      '--days',
      '10',
    )
    assert.equal(code, 0)
    assert.match(stdout, /mosquitto_pub -h localhost -p 8883 --cafile/)
    const port = await freePort()
    // The lines of the output, on a port that is free.
    const lines = stdout
      .split('\n')
      .filter((line) => /^(?:certfile|keyfile|cafile|require_|use_)/.test(line))
    assert.equal(lines.length, 5)
    const text = [`listener ${port} 127.0.0.1`, ...lines].join('\n')
    const broker = await startMozzie(context, '-c', writeConfig(scratch(context), text))
    const read = (name: string) => readFileSync(joinPath(directory, name))
    const socket = connect({
      port,
      host: 'localhost',
      ca: read('ca.crt'),
      cert: read('Jürgen.crt'),
      key: read('Jürgen.key'),
    })
    await once(socket, 'secureConnect')
    await (await join(socket)).ping()
    await until(() => broker.stderr().includes("u'Jürgen'"), broker.stderr)
  },
)

test(
  'tls-init: keys are for the account alone, names and days are in the certificate',
  { timeout },
  (context) => {
    const directory = joinPath(scratch(context), 'tls')
    assert.equal(
      runToEnd('tls-init', directory, '--host', 'b.example', '--host', '::1', '--days', '10').code,
      0,
    )
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.key')))
      assert.equal(statSync(joinPath(directory, name)).mode & 0o777, 0o600)
    const server = new X509Certificate(readFileSync(joinPath(directory, 'server.crt')))
    const ca = new X509Certificate(readFileSync(joinPath(directory, 'ca.crt')))
    assert.equal(server.checkHost('b.example'), 'b.example')
    assert.equal(server.checkIP('::1'), '::1')
    assert.ok(server.checkIssued(ca) && server.verify(ca.publicKey) && ca.ca && !server.ca)
    const days = (Date.parse(server.validTo) - Date.now()) / 86_400_000
    assert.ok(days > 9.9 && days <= 10)
  },
)

test('tls-init never overwrites', { timeout }, (context) => {
  const directory = scratch(context)
  assert.equal(runToEnd('tls-init', directory, '--host', 'a').code, 0)
  const before = readFileSync(joinPath(directory, 'ca.key'), 'utf8')
  const { code, stderr } = runToEnd('tls-init', directory, '--host', 'a')
  assert.equal(code, 1)
  assert.match(stderr, /is there already: choose an empty directory/)
  assert.equal(readFileSync(joinPath(directory, 'ca.key'), 'utf8'), before)
})

for (const [words, says] of [
  [['d'], /--host NAME/],
  [['--host', 'a'], /directory/],
  [['d', '--host', 'a b'], /no host name/],
  [['d', '--host', 'a\nb'], /no host name/],
  [['d', '--host'], /needs a value/],
  [['d', '--host', 'a', '--client', 'x/y'], /no user name/],
  [['d', '--host', 'a', '--client', 'ca'], /another name/],
  [['d', '--host', 'a', '--days', '0'], /from 1 to/],
  [['d', '--host', 'a', '--what', '0'], /Unknown option/],
] as const)
  test(`tls-init ${JSON.stringify(words)} is an error`, () => {
    const parsed = parseTlsInit(words)
    assert.ok(typeof parsed === 'string')
    assert.match(parsed, says)
  })
