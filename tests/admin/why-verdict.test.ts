/** The verdict of "why?" where more than one thing is the matter, and what it says of what a client asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IClientOptions, MqttClient } from 'mqtt'
import { until } from '../server/run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'
import { freePort } from '../support/free-port.ts'
import { waitMsMax } from '../support/patience.ts'
import { password, startLocal, type Api, type Json } from './api-server.ts'
import { ask, linkOf, startGuarded } from './why-stage.ts'

const BRIDGE = 'the rules do not restrict a bridge of this broker'
const LASTS = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 600 },
} as const

async function leave(api: Api, client: MqttClient, clientId: string): Promise<void> {
  await client.endAsync()
  const inspector = api.server.broker.inspector()
  await until(
    () => inspector.client(clientId)?.connected !== true,
    () => 'still there',
  )
}

/** A client that is here again; 3 of the messages for it were dropped while it was away. */
async function comeBackToDrops(api: Api, clientId: string): Promise<MqttClient> {
  const options: IClientOptions = { clientId, username: 'ann', password, ...LASTS }
  const away = await api.client(options)
  await away.subscribeAsync('shop/price', { qos: 1 })
  await leave(api, away, clientId)
  const publisher = await api.client()
  for (let at = 0; at < 5; at++) await publisher.publishAsync('shop/price', '1', { qos: 1 })
  return api.client(options)
}

test('what is surely in the way comes before what was dropped, or refused besides', async (context) => {
  const api = await startGuarded(context)
  await comeBackToDrops(api, 'till')
  await assert.rejects(api.client({ clientId: 'till', username: 'ann', password: 'wrong' }))
  const near = await ask(api, { client: 'till', topic: 'shop/Price' })
  assert.equal(near.finding, 'nearMiss')
  assert.match(near.verdict, /^Is it subscribed\? Not to this topic/)
  const states = near.links.filter(({ state }: Json) => state === 'bad')
  assert.deepEqual(
    states.map(({ finding }: Json) => finding),
    ['refusedBesides', 'dropped', 'nearMiss'],
  )
  assert.equal((await ask(api, { client: 'till', topic: 'shop/price' })).finding, 'dropped')
})

test('a refusal that was before the end of the connection is not why it is gone', async (context) => {
  const api = await startGuarded(context)
  const client = await api.client({ clientId: 'till', username: 'ann', password, ...LASTS })
  await assert.rejects(api.client({ clientId: 'till', username: 'ann', password: 'wrong' }))
  await leave(api, client, 'till')
  const reply = await ask(api, { client: 'till' })
  assert.equal(reply.finding, 'offlineKept')
  assert.equal(linkOf(reply, 'refused').finding, 'refusedBefore')
})

test('a client id that the prefix keeps out is named, and so is the prefix', async (context) => {
  const api = await startLocal(context, 'clientid_prefixes till-\n')
  await assert.rejects(api.client({ clientId: 'cash-1', username: 'ann', password }))
  const reply = await ask(api, { client: 'cash-1', topic: 'a' })
  assert.equal(reply.finding, 'refusedNow')
  assert.match(reply.verdict, /its client ID does not begin with "till-" \(clientid_prefixes\)/)
  assert.match(linkOf(reply, 'refused').evidence, /user ann/)
})

test('connections that a limit turned away may have been those of a client nobody knows', async (context) => {
  const port = await freePort()
  const api = await startGuarded(context, `listener ${port} 127.0.0.1\nmax_connections 1\n`)
  const url = `mqtt://127.0.0.1:${port}`
  const first = await connectOnce(url, { clientId: 'till-1' })
  context.after(() => void first.end(true))
  await assert.rejects(connectOnce(url, { clientId: 'till-2' }))
  const reply = await ask(api, { client: 'till-2', topic: 'secret/a' })
  // Devices are numbered: till-1 is no slip of the pen. By whose rights would it be judged?
  assert.deepEqual(
    reply.links.map(({ finding }: Json) => finding),
    ['neverSeen', 'turnedAway', 'notRetained'],
  )
  assert.match(reply.verdict, /never connected.*max_connections exceeded\.$/)
})

test('a subscription that was refused', async (context) => {
  const api = await startGuarded(context, 'acl_refuse_subscribe true\n')
  const client = await api.client({ clientId: 'till', username: 'ann', password })
  await assert.rejects(client.subscribeAsync('secret/#'))
  const reply = await ask(api, { client: 'till', topic: 'secret/plan' })
  assert.equal(reply.finding, 'subscribeRefused')
  assert.match(linkOf(reply, 'subscription').answer, /refused the subscription: not auth/)
  assert.equal(linkOf(reply, 'subscription').evidence, '"secret/#"')
  assert.ok(linkOf(reply, 'subscription').timeMs > Date.now() - 60_000)
  assert.equal((await ask(api, { client: 'till' })).finding, 'subscribeRefused')
  assert.equal((await ask(api, { client: 'till', topic: 'shop' })).finding, 'noSubscriptions')
  await assert.rejects(client.subscribeAsync(['secret/+', 'shop']))
  const evidence = linkOf(await ask(api, { client: 'till' }), 'subscription')
  assert.match(evidence.answer, /1 subscription/)
  const second = await ask(api, { client: 'till', topic: 'secret/plan' })
  assert.equal(linkOf(second, 'subscription').evidence, '"secret/+"')
})

test('QoS as it was asked for is no lowered one, where it is all that the listener grants', async (context) => {
  const port = await freePort()
  const api = await startGuarded(context, `listener ${port} 127.0.0.1\nmax_qos 1\n`)
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'till' })
  context.after(() => void client.end(true))
  await client.subscribeAsync('a', { qos: 1 })
  await client.subscribeAsync('b', { qos: 2 })
  const qosOf = async (topic: string) => linkOf(await ask(api, { client: 'till', topic }), 'qos')
  assert.equal((await qosOf('a')).finding, 'qosAsAsked')
  assert.match((await qosOf('b')).answer, /At most QoS 1, though it requested QoS 2/)
})

for (const [what, filter, options, finding] of [
  ['that were not asked for', 'kept', { rh: 2 }, 'retainedNotAsked'],
  ['for a new subscription alone', 'kept', { rh: 1 }, 'retainedOnce'],
  ['for a shared subscription', '$share/g/kept', {}, 'retainedNotShared'],
] as const)
  test(`retained messages ${what} are told of behind the verdict`, async (context) => {
    const api = await startLocal(context)
    const client = await api.client({ clientId: 'till', protocolVersion: 5 })
    await client.publishAsync('kept', '1', { qos: 1, retain: true })
    await client.subscribeAsync(filter, { qos: 1, ...options })
    const reply = await ask(api, { client: 'till', topic: 'kept' })
    assert.equal(reply.finding, 'inOrder')
    const { answer } = reply.links.find((one: Json) => one.finding === finding)
    assert.ok(reply.noted.includes(finding) && reply.verdict.endsWith(answer), reply.verdict)
    await client.subscribeAsync('#', { qos: 1 })
    const now = await ask(api, { client: 'till', topic: 'kept' })
    assert.equal(linkOf(now, 'retained').finding, 'retained')
  })

test('No Local holds where no other subscription brings the topic', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'till', protocolVersion: 5 })
  await client.subscribeAsync('own', { qos: 1, nl: true })
  const alone = await ask(api, { client: 'till', topic: 'own' })
  assert.match(alone.verdict, /^No problem found\. .*No: it subscribed with No Local\.$/)
  await client.subscribeAsync('#', { qos: 0 })
  const beside = await ask(api, { client: 'till', topic: 'own' })
  assert.equal(linkOf(beside, 'ownMessages'), undefined)
  assert.equal(beside.verdict, 'No problem found.')
})

test('subscribers who may not read the topic, or are away, are no receivers', async (context) => {
  const api = await startGuarded(context)
  const ann = { username: 'ann', password, ...LASTS }
  const till = await api.client({ clientId: 'till', ...ann })
  await till.subscribeAsync('#', { qos: 1 })
  const findingOf = async (topic: string) => (await ask(api, { topic })).finding
  assert.equal(await findingOf('secret/plan'), 'receiversDenied')
  assert.equal(await findingOf('shop'), 'inOrder')
  const boss = await api.client({ clientId: 'desk', username: 'boss', password, ...LASTS })
  await boss.subscribeAsync('secret/plan', { qos: 0 })
  const some = linkOf(await ask(api, { topic: 'secret/plan' }), 'receivers')
  assert.match(some.answer, /^2 subscriptions match, but the access rules deny the topic to 1/)
  await leave(api, boss, 'desk')
  assert.equal(await findingOf('secret/plan'), 'receiversGone')
  await leave(api, till, 'till')
  assert.equal(await findingOf('shop'), 'receiversAway')
})

test('a full window comes before what was dropped for it; one who acknowledges is slow', async (context) => {
  const api = await startGuarded(context)
  const publisher = await api.client()
  const properties = { receiveMaximum: 1 }
  const take = async (clientId: string, acknowledged: number) => {
    const client = await api.client({ clientId, protocolVersion: 5, properties })
    await client.subscribeAsync(clientId, { qos: 1 })
    let left = acknowledged
    client.handleMessage = (_packet, done) => void (left-- > 0 && done())
    for (let at = 0; at < 5; at++) await publisher.publishAsync(clientId, '1', { qos: 1 })
    return ask(api, { client: clientId, topic: clientId })
  }
  const silent = await take('silent', 0)
  assert.equal(silent.finding, 'windowFull')
  assert.match(linkOf(silent, 'queue').evidence, /^window 1: /)
  assert.ok(silent.links.some(({ finding }: Json) => finding === 'dropped'))
  const inspector = api.server.broker.inspector()
  await take('slow', 1)
  await until(
    () => inspector.client('slow')?.ackedAtMs != null,
    () => 'nothing acknowledged',
  )
  assert.equal((await ask(api, { client: 'slow' })).finding, 'slowToAck')
})

test('what waits and has expired is not said to wait for its end', async (context) => {
  const api = await startGuarded(context)
  const client = await api.client({ clientId: 'till', ...LASTS })
  await client.subscribeAsync('a', { qos: 1 })
  await leave(api, client, 'till')
  const publisher = await api.client({ protocolVersion: 5 })
  await publisher.publishAsync('a', '1', { qos: 1, properties: { messageExpiryInterval: 1 } })
  const endMs = Date.now() + waitMsMax
  let finding = ''
  while (finding !== 'expiredNext' && Date.now() < endMs)
    ({ finding } = linkOf(await ask(api, { client: 'till' }), 'expiry'))
  assert.equal(finding, 'expiredNext')
})

test('no rule denies a bridge of the broker what it is there for', async (context) => {
  const api = await startLocal(
    context,
    'connection up\naddress 127.0.0.1:1\nlocal_clientid local-up\ntopic out/# out 1\n',
  )
  const inspector = api.server.broker.inspector()
  await until(
    () => inspector.client('local-up') !== null,
    () => 'no bridge',
  )
  const rights = linkOf(await ask(api, { client: 'local-up', topic: 'out/a' }), 'rights')
  assert.deepEqual([rights.finding, rights.evidence], ['mayReceive', BRIDGE])
})
