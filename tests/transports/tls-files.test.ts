import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import { join as joinPath } from 'node:path'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { scratch, spawnMozzie, startMozzie, until, writeConfig } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { join, openTls, timeout } from './secure.ts'

let certificates: TestCertificates
before(async () => {
  certificates = await makeCertificates()
})
after(() => certificates.remove())

/** What the listener is given, by option; the line of the one that is wrong is the last. */
interface Wrong {
  readonly what: string
  readonly lines: (directory: string) => string[]
  readonly says: RegExp
}

const server = (): string[] => [
  `certfile ${certificates.server.certificateFile}`,
  `keyfile ${certificates.server.keyFile}`,
]

/** A good certificate, and half of another one. */
function cutShort(directory: string): string {
  const file = joinPath(directory, 'cut.pem')
  const whole = readFileSync(certificates.authority.certificateFile, 'utf8')
  writeFileSync(file, whole + whole.slice(0, whole.length / 2))
  return file
}

const wrongs: readonly Wrong[] = [
  {
    what: 'a certificate that is not there',
    lines: () => [server()[1], 'certfile /nowhere/server.crt'],
    says: /"certfile \/nowhere\/server\.crt" of listener \d+ .*there is no such file/,
  },
  {
    what: 'a key that belongs to another certificate',
    lines: () => [server()[0], `keyfile ${certificates.client.keyFile}`],
    says: /"keyfile .*the private key does not belong to the certificate/,
  },
  {
    what: 'an encrypted key',
    lines: (directory) => {
      const file = joinPath(directory, 'encrypted.key')
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const secret = { cipher: 'aes-256-cbc', passphrase: 'x' }
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem', ...secret }))
      return [server()[0], `keyfile ${file}`]
    },
    says: /"keyfile .*is encrypted.*openssl pkey/,
  },
  {
    what: 'a certificate file without a certificate',
    lines: () => [server()[1], `certfile ${certificates.server.keyFile}`],
    says: /"certfile .*no PEM block/,
  },
  {
    what: 'ciphers that OpenSSL does not know',
    lines: () => [...server(), 'ciphers NO-SUCH-CIPHER'],
    says: /"ciphers NO-SUCH-CIPHER".*OpenSSL knows no such cipher/,
  },
  {
    what: 'suites of TLS 1.3 that are none',
    lines: () => [...server(), 'ciphers_tls1.3 AES'],
    says: /"ciphers_tls1\.3 AES".*TLS_AES_128_GCM_SHA256/,
  },
  {
    what: 'a revocation list that is none',
    lines: () => [...server(), `crlfile ${certificates.server.certificateFile}`],
    says: /"crlfile .*X509 CRL/,
  },
  {
    what: 'a file of authorities without a certificate',
    lines: () => [...server(), `cafile ${certificates.server.keyFile}`],
    says: /"cafile .*there is no certificate in it/,
  },
  {
    what: 'a file of authorities that is cut short',
    lines: (directory) => [...server(), `cafile ${cutShort(directory)}`],
    says: /"cafile .*a certificate in it is damaged/,
  },
  {
    what: 'a directory without authorities, with a link to nowhere',
    lines: (directory) => {
      symlinkSync('nowhere', joinPath(directory, '0123abcd.0'))
      return [...server(), `capath ${directory}`]
    },
    says: /"capath .*there is no certificate in it/,
  },
]

for (const { what, lines, says } of wrongs)
  test(`${what} is an error that names option and line`, { timeout }, async (context) => {
    const directory = scratch(context)
    const port = await freePort()
    const options = lines(directory)
    const text = `listener ${port} 127.0.0.1\n${options.join('\n')}`
    const file = writeConfig(directory, text)
    const broker = spawnMozzie(context, '-c', file)
    assert.notEqual(await broker.exited, 0)
    assert.match(broker.stderr(), says)
    // One line for the tests' account, one for the listener.
    assert.ok(broker.stderr().includes(`Error found at ${file}:${2 + options.length}.`))
  })

test('require_certificate without authorities is an error', { timeout }, async (context) => {
  const text = `listener ${await freePort()}\n${server().join('\n')}\nrequire_certificate true`
  const broker = spawnMozzie(context, '-c', writeConfig(scratch(context), text))
  assert.equal(await broker.exited, 3)
  assert.match(broker.stderr(), /"require_certificate" needs a "cafile" or "capath"/)
})

async function startWithOwnFiles(
  context: Parameters<typeof startMozzie>[0] & Parameters<typeof scratch>[0],
  more = '',
  ...args: string[]
) {
  const directory = scratch(context)
  const port = await freePort()
  const certificate = joinPath(directory, 'server.crt')
  const key = joinPath(directory, 'server.key')
  copyFileSync(certificates.server.certificateFile, certificate)
  copyFileSync(certificates.server.keyFile, key)
  const text = `listener ${port} 127.0.0.1\nallow_anonymous true\ncertfile ${certificate}\nkeyfile ${key}\n${more}`
  const broker = await startMozzie(context, '-c', writeConfig(directory, text), ...args)
  const serial = async (): Promise<string> => {
    const socket = await openTls(port, certificates)
    const { raw } = socket.getPeerCertificate()
    socket.destroy()
    return new X509Certificate(raw).serialNumber
  }
  return { broker, directory, port, certificate, key, serial }
}

test(
  'SIGHUP shows a new certificate to new connections, the old ones stay',
  { timeout },
  async (context) => {
    const { broker, port, certificate, key, serial } = await startWithOwnFiles(context)
    const client = await join(await openTls(port, certificates))
    const next = await certificates.issueServer()
    copyFileSync(next.certificateFile, certificate)
    copyFileSync(next.keyFile, key)
    broker.signal('SIGHUP')
    await until(() => broker.stderr().includes('Reloaded config.'), broker.stderr)
    assert.equal(await serial(), new X509Certificate(next.certificate).serialNumber)
    await client.ping()
  },
)

test(
  'SIGHUP with a broken certificate keeps the old one, and everything else',
  { timeout },
  async (context) => {
    const { broker, certificate, serial } = await startWithOwnFiles(context)
    const before = await serial()
    writeFileSync(certificate, 'nonsense')
    broker.signal('SIGHUP')
    await until(() => /"certfile .*no PEM block/.test(broker.stderr()), broker.stderr)
    await until(() => /stay as they were/.test(broker.stderr()), broker.stderr)
    assert.equal(await serial(), before)
  },
)

test('--tls-keylog writes keys that only the account may read', { timeout }, async (context) => {
  const file = joinPath(scratch(context), 'keys.log')
  const { broker, serial } = await startWithOwnFiles(context, '', '--tls-keylog', file)
  await serial()
  assert.match(readFileSync(file, 'utf8'), /^(?:CLIENT|SERVER)_\w+ [0-9a-f]{64} [0-9a-f]+$/m)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(broker.stderr(), /Warning: TLS session keys are written to/)
})
