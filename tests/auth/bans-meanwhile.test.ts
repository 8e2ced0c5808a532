/** Bans of who is on the way in, or has come in from somewhere else. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { startAnswering } from './answering.ts'
import { startBanning } from './banning.ts'
import { alice } from './secured.ts'

test('a ban that is made while the login is being checked keeps the client out', async (context) => {
  const questions = new EventEmitter()
  const hook = await startAnswering(context, (_, response) => questions.emit('one', response))
  const { broker, ask } = await startBanning(
    context,
    `auth_http_url http://127.0.0.1:${hook.port}/\n`,
  )
  const asked = once(questions, 'one') as Promise<[ServerResponse]>
  const client = await RawClient.open(broker.ports[0], 5)
  client.send(connect(5, { clientId: 'till', username: 'carol', password: 'x' }))
  const [answer] = await asked
  assert.equal((await ask('POST', 'bans', { clientId: 'till' })).status, 200)
  answer.end('{"allow": true}')
  await client.expect('connack', { code: Reason.banned })
  await client.expectClosed()
})

test('a banned address is out at the admin API too, with a login that was made elsewhere', async (context) => {
  const { broker, ask } = await startBanning(context)
  const get = (localAddress: string, headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const place = { host: '127.0.0.1', port: broker.ports[1], localAddress, agent: false }
      const sent = request({ ...place, path: '/api/v1/overview', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end()
    })
  const login = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/session`, {
    method: 'POST',
    headers: { 'x-csrf-token': 'test', 'content-type': 'application/json' },
    body: JSON.stringify(alice),
  })
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0]
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`
  assert.equal((await ask('POST', 'bans', { address: '127.0.0.2' })).status, 200)
  assert.equal(await get('127.0.0.2', { cookie }), 401)
  assert.equal(await get('127.0.0.2', { authorization: basic }), 403)
  assert.equal(await get('127.0.0.1', { cookie }), 200)
})
