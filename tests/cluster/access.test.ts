/** How a broker gets in at its NATS servers: TLS both ways, a password; and whether they sync. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { connectWire, type WireOptions } from '../../src/cluster/connect.ts'
import { ClusterError } from '../../src/cluster/failures.ts'
import { findSync } from '../../src/cluster/sync-check.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
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
  const nats = await startNats(1, sync, [], lines)
  context.after(() => nats.stop())
  return nats
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

  test('a password of NATS is that of the address; a wrong one ends the start', async (context) => {
    const nats = await start(context, undefined, ['authorization { user: "a", password: "p w" }'])
    const at = (user: string): string[] => nats.urls.map((url) => url.replace('//', `//${user}@`))
    await enter({ ...plain, urls: at('a:p%20w') })
    for (const user of ['a:wrong', 'b:p%20w'])
      await assert.rejects(enter({ ...plain, urls: at(user) }), ClusterError)
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
}
