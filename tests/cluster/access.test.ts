/** How a broker gets in at its NATS servers: TLS both ways, a password, a file of credentials; and whether they sync. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { connectWire, type WireOptions } from '../../src/cluster/connect.ts'
import { ClusterError } from '../../src/cluster/failures.ts'
import { findSync } from '../../src/cluster/sync-check.ts'
import { connectOnce } from '../support/connect-once.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, spawnMozzie, startMozzie, writeConfig } from '../server/run-mozzie.ts'
import { createServerCertificate, validFor } from '../../src/cli/certificates.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { createOperator } from './nats-operator.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'

let certificates: TestCertificates

const plain: Omit<WireOptions, 'urls'> = {
  name: 'test',
  credsFile: null,
  caFile: null,
  certFile: null,
  keyFile: null,
  // Else it would try again, for ever.
  say(text) {
    throw new Error(text)
  },
}

async function start(
  context: TestContext,
  sync: string | undefined,
  lines: string[],
): Promise<NatsServers> {
  const nats = await startNats(1, sync, [], () => lines)
  context.after(() => nats.stop())
  return nats
}

/** A broker's configuration as the only node of a cluster. */
function configFor(context: TestContext, { urls, servers }: NatsServers, lines: string): string {
  const joined = `cluster_url ${urls.join(',')}\ncluster_monitor_port ${servers[0].monitorPort}\ncluster_node_id a\ncluster_replicas 1`
  return writeConfig(scratch(context), `${joined}\nmax_packet_size 100000\n${lines}`)
}

async function enter(options: WireOptions): Promise<void> {
  const wire = await connectWire(options)
  await wire.close()
}

if (skipNats !== false) test('access to NATS', { skip: skipNats }, () => {})
else {
  before(async () => {
    certificates = await makeCertificates()
  })
  after(() => certificates.remove())

  test('TLS: both sides show a certificate; without ours, or with theirs unknown, there is no way in', async (context) => {
    const { server, authority, client, foreign } = certificates
    const nats = await start(context, undefined, [
      `tls { cert_file: "${server.certificateFile}", key_file: "${server.keyFile}", ca_file: "${authority.certificateFile}", verify: true }`,
    ])
    const urls = nats.urls.map((url) => url.replace('nats:', 'tls:'))
    const caFile = authority.certificateFile
    const ours = { certFile: client.certificateFile, keyFile: client.keyFile }
    await enter({ ...plain, ...ours, caFile, urls })
    const refusals = [
      { caFile },
      { caFile, certFile: foreign.certificateFile, keyFile: foreign.keyFile },
      { ...ours, caFile: foreign.certificateFile },
    ]
    for (const wrong of refusals)
      await assert.rejects(enter({ ...plain, ...wrong, urls }), /no NATS server answers/)
  })

  test('TLS: a server that is named by its address shows a certificate for that, and not for localhost', async (context) => {
    const { authority } = certificates
    for (const name of ['127.0.0.1', 'localhost']) {
      const { certificate, key } = await createServerCertificate(authority, [name], validFor(1))
      const folder = scratch(context)
      writeFileSync(join(folder, 'crt'), certificate)
      writeFileSync(join(folder, 'key'), key)
      const nats = await start(context, undefined, [
        `tls { cert_file: "${join(folder, 'crt')}", key_file: "${join(folder, 'key')}" }`,
      ])
      const { port } = nats.servers[0]
      const enterAt = (host: string): Promise<void> =>
        enter({ ...plain, caFile: authority.certificateFile, urls: [`tls://${host}:${port}`] })
      await enterAt(name)
      const other = name === 'localhost' ? '127.0.0.1' : 'localhost'
      await assert.rejects(enterAt(other), /does not match certificate/)
    }
  })

  test('a password of NATS is that of the address; a wrong one ends the start', async (context) => {
    const nats = await start(context, undefined, ['authorization { user: "a", password: "p w" }'])
    const at = (user: string): string[] => nats.urls.map((url) => url.replace('//', `//${user}@`))
    await enter({ ...plain, urls: at('a:p%20w') })
    for (const user of ['a:wrong', 'b:p%20w'])
      await assert.rejects(enter({ ...plain, urls: at(user) }), ClusterError)
  })

  test('a user without the rights that a broker needs ends the start, and what is missing is named', async (context) => {
    const rights = 'permissions: { publish: ["other.>"], subscribe: [">"] }'
    const nats = await start(context, 'always', [
      `authorization { users: [{ user: "a", password: "a", ${rights} }] }`,
    ])
    const urls = nats.urls.map((url) => url.replace('//', '//a:a@'))
    const listener = `listener ${await freePort()} 127.0.0.1\n`
    const refused = spawnMozzie(context, '-c', configFor(context, { ...nats, urls }, listener))
    assert.equal(await refused.exited, 1, refused.stderr())
    assert.match(
      refused.stderr(),
      /NATS does not let this user .*Publish to "\$JS\.API\.STREAM\.CREATE/,
    )
  })

  test('whether every server syncs is asked of its monitoring', async (context) => {
    const always = await start(context, 'always', [])
    const late = await start(context, undefined, [])
    const [one] = always.servers
    const [other] = late.servers
    assert.equal(await findSync(always.urls, one.monitorPort), true)
    assert.equal(await findSync(late.urls, other.monitorPort), false)
    await one.kill('SIGKILL')
    assert.equal(await findSync(always.urls, one.monitorPort), null)
  })

  test('cluster_creds: a user that an account of the servers vouches for gets in, another one does not', async (context) => {
    const { lines, creds, strangerCreds } = createOperator()
    const nats = await start(context, 'always', lines)
    const folder = scratch(context)
    const [known, stranger] = ['known.creds', 'stranger.creds'].map((name) => join(folder, name))
    writeFileSync(known, creds)
    writeFileSync(stranger, strangerCreds)
    const port = await freePort()
    const listener = `listener ${port} 127.0.0.1\nallow_anonymous true`
    await startMozzie(
      context,
      '-c',
      configFor(context, nats, `${listener}\ncluster_creds ${known}`),
    )
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`)
    await client.publishAsync('a', 'b', { qos: 1, retain: true })
    await client.endAsync()
    for (const credsFile of [null, stranger])
      await assert.rejects(
        enter({ ...plain, credsFile, urls: nats.urls }),
        /NATS does not let us in/,
      )
  })

  test('a file that is not there, or holds something else, ends the start: nobody waits for a server', async (context) => {
    const nats = await start(context, undefined, [])
    const file = join(scratch(context), 'file')
    const options = [
      ['credsFile', 'cluster_creds'],
      ['caFile', 'cluster_cafile'],
      ['certFile', 'cluster_certfile'],
      ['keyFile', 'cluster_keyfile'],
    ] as const
    const wrong = (error: Error, name: string): boolean =>
      error instanceof ClusterError && error.message.includes(name) && error.message.includes(file)
    for (const [key, name] of options)
      await assert.rejects(enter({ ...plain, [key]: file, urls: nats.urls }), (error: Error) =>
        wrong(error, name),
      )
    execFileSync('mkfifo', [file])
    for (const [key, name] of options)
      await assert.rejects(enter({ ...plain, [key]: file, urls: nats.urls }), (error: Error) =>
        wrong(error, name),
      )
    rmSync(file)
    writeFileSync(file, 'something else\n')
    for (const [key, name] of options)
      await assert.rejects(enter({ ...plain, [key]: file, urls: nats.urls }), (error: Error) =>
        wrong(error, name),
      )
  })

  test('servers that do not sync: a warning, or no start with cluster_require_sync', async (context) => {
    const late = await start(context, undefined, [])
    const always = await start(context, 'always', [])
    const warning = /do not sync every write/
    const listener = `listener ${await freePort()} 127.0.0.1\n`
    const strict = `${listener}cluster_require_sync true`
    const refused = spawnMozzie(context, '-c', configFor(context, late, strict))
    assert.equal(await refused.exited, 1, refused.stderr())
    assert.match(refused.stderr(), /do not sync every write.*"cluster_require_sync true" wants it/)
    const warned = await startMozzie(context, '-c', configFor(context, late, listener))
    assert.match(warned.stderr(), warning)
    warned.signal('SIGTERM')
    await warned.exited
    const content = await startMozzie(context, '-c', configFor(context, always, strict))
    assert.doesNotMatch(content.stderr(), /sync/)
  })
}
