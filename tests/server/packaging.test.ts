import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { COMMAND_SUMMARIES } from '../../src/cli/command-names.ts'
import { passwordLine } from '../auth/secured.ts'
import { makeCertificates } from '../support/certificates.ts'
import { runToEnd, scratch, spawnMozzie, startMozzie, writeConfig } from './run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'
import { connectOnce } from '../support/connect-once.ts'

const packaged = (name: string) => join(process.cwd(), 'packaging', name)

test('packaging/mozzie.conf is one as well, and runs, once its files exist', async (context) => {
  const directory = scratch(context)
  const certificates = await makeCertificates()
  context.after(() => certificates.remove())
  const { certificateFile, keyFile } = certificates.server
  mkdirSync(join(directory, 'tls'))
  copyFileSync(certificateFile, join(directory, 'tls', 'server.crt'))
  copyFileSync(keyFile, join(directory, 'tls', 'server.key'))
  writeFileSync(join(directory, 'passwords'), passwordLine('ann', 'secret'), { mode: 0o600 })
  writeFileSync(join(directory, 'acl'), 'user ann\ntopic readwrite #\n', { mode: 0o600 })
  const ports = [await freePort(), await freePort()]
  const text = readFileSync(packaged('mozzie.conf'), 'utf8')
    .replaceAll('/etc/mozzie', directory)
    .replaceAll('/var/lib/mozzie', directory)
    .replaceAll('listener 1883', `listener ${ports[0]}`)
    .replaceAll('listener 8883', `listener ${ports[1]} 127.0.0.1`)
  const file = writeConfig(directory, text)
  const { stderr } = runToEnd('-c', file, '--test-config')
  assert.equal(stderr, 'Configuration file is OK.\n')
  // It logs no more than warnings, so that its port says when it runs.
  spawnMozzie(context, '-c', file)
  const client = await connectSoon(ports[0])
  await client.publishAsync('a', 'b', { qos: 1 })
  await client.endAsync()
})

async function connectSoon(port: number): Promise<MqttClient> {
  const options = { username: 'ann', password: 'secret', reconnectPeriod: 0 }
  for (const endMs = performance.now() + processMsMax; ; await sleep(50)) {
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`, options).catch(() => null)
    if (client !== null) return client
    assert.ok(performance.now() < endMs, 'nobody listens')
  }
}

test('the health check of the container tells a broker from none', async (context) => {
  const port = await freePort()
  const check = (): number | null =>
    spawnSync(process.execPath, [packaged('docker/healthcheck.mjs')], {
      env: { ...process.env, HEALTH_PORT: String(port) },
      timeout: processMsMax,
    }).status
  assert.equal(check(), 1)
  // Refused for lack of a password: the broker works all the same.
  const file = writeConfig(scratch(context), `listener ${port} 127.0.0.1`)
  await startMozzie(context, '-c', file)
  assert.equal(check(), 0)
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test(
  'systemd finds nothing wrong with the unit',
  { skip: !hasSystemd && 'systemd-analyze is not installed' },
  (context) => {
    // It wants the program to exist.
    const unit = readFileSync(packaged('mozzie.service'), 'utf8').replaceAll(
      '/usr/bin/mozzie',
      process.execPath,
    )
    const file = join(scratch(context), 'mozzie.service')
    writeFileSync(file, unit)
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    assert.equal(stderr.replaceAll(/^.*Ignoring.*\n/gm, ''), '')
    assert.equal(status, 0)
  },
)

test('every command has a manual page that is installed, and has all that its help says', () => {
  const { man } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string[] }
  const present = readdirSync(packaged('man')).map((name) => `packaging/man/${name}`)
  assert.deepEqual(man.toSorted(), present.toSorted())
  for (const name of Object.keys(COMMAND_SUMMARIES).filter((each) => each !== 'broker')) {
    const page = readFileSync(packaged(`man/mozzie-${name}.1`), 'utf8')
    const shown = page
      .replaceAll('\\-', '-')
      .replaceAll('\\e', '\\')
      .replaceAll('\\&', '')
      .replaceAll(/\\\[u([0-9A-F]+)\]/g, (_, hex: string) =>
        String.fromCodePoint(parseInt(hex, 16)),
      )
      .toLowerCase()
    const { stdout } = runToEnd('help', name)
    for (const word of stdout.split(/\s+/).filter((each) => each !== 'Usage:'))
      assert.ok(shown.includes(word.replace(/:$/, '').toLowerCase()), `${name}: ${word}`)
  }
})
