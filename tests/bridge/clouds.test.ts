/** The samples of docs/bridges.md for clouds, as they stand there, against stand-ins that enforce the platforms' rules. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { startBroker } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import * as make from '../support/packets.ts'
import { clientOf } from './pair.ts'
import { startCloud, type CloudRules } from './cloud-stand-in.ts'

const page = readFileSync('docs/bridges.md', 'utf8')
const decoder = new TextDecoder()

/** The lines of the sample below the heading `name`. */
function sampleOf(name: string): string {
  const from = page.indexOf(`**${name}`)
  assert.ok(from > 0, `docs/bridges.md has no sample of ${name}`)
  const [, block] = page.slice(from).split('```')
  // The first line names the language.
  return block.slice(block.indexOf('\n')).trim()
}

interface Cloud {
  readonly name: string
  /** Options of the sample that name files, with files of ours. */
  readonly files: (certificates: TestCertificates) => Readonly<Record<string, string>>
  readonly rules: CloudRules
  /** A topic here, and what it is there. */
  readonly out: readonly [string, string]
  /** A topic there, and what it is here. */
  readonly into: readonly [string, string]
}

const azureToken =
  'SharedAccessSignature sr=myhub.azure-devices.net%2Fdevices%2Fplant7&sig=c2ln&se=1'
const alibabaSecret = 'secret-of-plant7'

/** Clients of Alibaba Cloud sign what names them. */
function alibabaPassword(clientId: string): string {
  const [id, parameters] = clientId.split('|')
  const timestamp = /timestamp=(\d+)/.exec(parameters)?.[1]
  const content = `clientId${id}deviceNameplant7productKeyk0abctimestamp${timestamp}`
  return createHmac('sha256', alibabaSecret).update(content).digest('hex')
}

const caOnly = ({ authority }: TestCertificates) => ({ bridge_cafile: authority.certificateFile })

const aws: Cloud = {
  name: 'AWS IoT Core',
  files: ({ authority, client }) => ({
    bridge_cafile: authority.certificateFile,
    bridge_certfile: client.certificateFile,
    bridge_keyfile: client.keyFile,
  }),
  rules: {
    version: 4,
    clientCertificate: true,
    alpn: null,
    retain: true,
    keepAlive: [30, 1200],
    login: ({ clientId }) => (clientId === 'plant7' ? null : 'the policy names another client id'),
    mayPublish: (topic) => !topic.startsWith('$') && topic.split('/').length <= 8,
    maySubscribe: (filter) => !filter.startsWith('$'),
  },
  out: ['sensors/heat', 'sensors/heat'],
  into: ['commands/stop', 'commands/stop'],
}

const azure: Cloud = {
  name: 'Azure IoT Hub',
  files: caOnly,
  rules: {
    version: 4,
    clientCertificate: false,
    alpn: null,
    retain: false,
    keepAlive: [1, 1767],
    login({ clientId, username, password }) {
      if (clientId !== 'plant7') return 'the client id is no device'
      if (
        !/^myhub\.azure-devices\.net\/plant7\/\?api-version=20\d\d-\d\d-\d\d$/.test(username ?? '')
      )
        return `user name ${username}`
      return decoder.decode(password ?? undefined) === azureToken ? null : 'the token'
    },
    mayPublish: (topic) => topic === 'devices/plant7/messages/events/',
    maySubscribe: (filter) => filter === 'devices/plant7/messages/devicebound/#',
  },
  out: ['telemetry', 'devices/plant7/messages/events/'],
  into: ['devices/plant7/messages/devicebound/%24.to=a', 'commands/%24.to=a'],
}

const alibaba: Cloud = {
  name: 'Alibaba Cloud',
  files: caOnly,
  rules: {
    version: 4,
    clientCertificate: false,
    alpn: null,
    retain: false,
    keepAlive: [30, 1200],
    login({ clientId, username, password }) {
      if (!/^plant7\|securemode=2,signmethod=hmacsha256,timestamp=\d+\|$/.test(clientId))
        return `client id ${clientId}`
      if (username !== 'plant7&k0abc') return `user name ${username}`
      const isRight = decoder.decode(password ?? undefined) === alibabaPassword(clientId)
      return isRight ? null : 'the password'
    },
    mayPublish: (topic) => topic.startsWith('/k0abc/plant7/'),
    maySubscribe: (filter) => filter.startsWith('/k0abc/plant7/'),
  },
  out: ['user/update', '/k0abc/plant7/user/update'],
  into: ['/k0abc/plant7/user/get', 'user/get'],
}

let certificates: TestCertificates
before(async () => void (certificates = await makeCertificates()))
after(() => certificates.remove())

/** `line` in place of the sample's own line of that option; `topic` lines are added. */
function withLine(sample: string, line: string): string {
  const own = new RegExp(`^${line.split(' ')[0]} .*$`, 'm')
  const isIn = !line.startsWith('topic ') && own.test(sample)
  return isIn ? sample.replace(own, () => line) : `${sample}\n${line}`
}

/** The sample with an address and files of ours, and `more` lines. */
async function run(context: TestContext, cloud: Cloud, rules: CloudRules, more = '') {
  const { server, authority, directory } = certificates
  const tls = { cert: server.certificate, key: server.key, ca: authority.certificate }
  const standIn = await startCloud(tls, rules)
  context.after(() => standIn.close())
  const sample = sampleOf(cloud.name)
  const clientId = /^remote_clientid (.*)$/m.exec(sample)?.[1] ?? ''
  const passwords = join(directory, 'password')
  writeFileSync(passwords, cloud === azure ? azureToken : alibabaPassword(clientId), {
    mode: 0o600,
  })
  const files = {
    ...cloud.files(certificates),
    ...(cloud !== aws && { remote_password_file: passwords }),
  }
  const ours = [`address 127.0.0.1:${standIn.port}`, 'restart_timeout 1', ...more.split('\n')]
  for (const [option, file] of Object.entries(files)) ours.push(`${option} ${file}`)
  const local = await startBroker(ours.reduce(withLine, sample), 'mozzie')
  context.after(() => local.stop())
  const arrived = (): boolean => standIn.logins.length > 0 && standIn.subscribed.length > 0
  return { standIn, local, arrived }
}

type Running = Awaited<ReturnType<typeof run>>

async function crossBothWays({ standIn, local, arrived }: Running, cloud: Cloud): Promise<void> {
  await standIn.until(() => arrived() || standIn.broken.length > 0)
  assert.deepEqual(standIn.broken, [])
  const here = await clientOf(local)
  const [outHere, outThere] = cloud.out
  await here.publish(outHere, 'kept', { qos: 2, retain: true })
  await standIn.until(() => standIn.published.length > 0 || standIn.broken.length > 0)
  assert.deepEqual(standIn.broken, [])
  const [{ topic, payload, qos, retain }] = standIn.published
  assert.deepEqual([topic, decoder.decode(payload)], [outThere, 'kept'])
  assert.deepEqual([qos, retain], [1, cloud.rules.retain])
  const [intoThere, intoHere] = cloud.into
  await here.subscribe({ filter: intoHere, qos: 1 })
  standIn.send(make.publish(intoThere, 'do', { qos: 1, packetId: 7 }))
  await here.receive({ topic: intoHere, payload: 'do', qos: 1 })
}

for (const cloud of [aws, azure, alibaba])
  test(`the sample for ${cloud.name} keeps the platform's rules, and messages cross`, async (context) =>
    crossBothWays(await run(context, cloud, cloud.rules), cloud))

test('AWS IoT Core on port 443: with the ALPN name of the page', async (context) => {
  const alpn = /For port 443:.*`bridge_alpn (\S+)`/.exec(page)?.[1]
  assert.equal(alpn, 'x-amzn-mqtt-ca')
  const rules = { ...aws.rules, alpn: alpn ?? null }
  await crossBothWays(await run(context, aws, rules, `bridge_alpn ${alpn}`), aws)
})

test('each of many topics is asked for by itself', async (context) => {
  const lines = Array.from({ length: 9 }, (_, n) => `topic more/${n} in 1`)
  const { standIn } = await run(context, aws, aws.rules, lines.join('\n'))
  await standIn.until(() => standIn.subscribed.flat().length === 10 || standIn.broken.length > 0)
  assert.deepEqual(standIn.broken, [])
  assert.ok(standIn.subscribed.every(({ length }) => length === 1))
})

for (const [cloud, line, rule] of [
  [aws, 'try_private true', /the bit of a bridge/],
  [aws, 'notifications true', /a will/],
  [aws, 'topic $SYS/# in 1', /SUBSCRIBE to \$SYS/],
  [aws, 'topic extra/# in 2', /SUBSCRIBE at QoS 2/],
  [aws, 'remote_clientid other', /client id/],
  [azure, 'bridge_attempt_unsubscribe true', /UNSUBSCRIBE/],
  [alibaba, 'remote_username plant7', /user name plant7/],
] as const)
  test(`canary: ${cloud.name} does not take "${line}"`, async (context) => {
    const { standIn } = await run(context, cloud, cloud.rules, line)
    await standIn.until(() => standIn.broken.length > 0)
    assert.match(standIn.broken[0], rule)
  })
