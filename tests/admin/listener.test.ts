import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { reload } from '../../src/server/reload.ts'
import { makeCertificates } from '../support/certificates.ts'
import {
  basic,
  password,
  scratchDirectory,
  startConfigured,
  startLocal,
  writePasswords,
} from './api-server.ts'
import { connectOnce } from '../support/connect-once.ts'

test('MQTT over WebSocket works on the port of the pages', async (context) => {
  const api = await startLocal(context)
  const client = await connectOnce(`ws://127.0.0.1:${api.httpPort}/mqtt`)
  context.after(() => client.endAsync(true))
  await client.subscribeAsync('a', { qos: 1 })
  const message = new Promise<Buffer>((resolve) =>
    client.once('message', (_, bytes) => resolve(bytes)),
  )
  await client.publishAsync('a', 'over the web', { qos: 1 })
  assert.equal((await message).toString(), 'over the web')
  const { json } = await api.get('/api/v1/session')
  assert.equal(json.mqttPath, '/mqtt')
})

test('a reload takes the role away, and with it the open door', async (context) => {
  const file = await writePasswords(scratchDirectory(context), 'ann', 'bob')
  const api = await startConfigured(context, `password_file ${file}\nhttp_admin_user ann`)
  const ask = async (user: string): Promise<number> =>
    (await api.call('GET', '/api/v1/overview', { headers: basic(user) })).status
  assert.deepEqual([await ask('ann'), await ask('bob')], [200, 403])
  const { config } = api.server
  const listeners = config.listeners.map((listener) => ({ ...listener, httpAdminUsers: ['bob'] }))
  reload(api.server, 'none', () => ({ ...config, listeners }))
  assert.deepEqual([await ask('ann'), await ask('bob')], [403, 200])
  await writePasswords(join(file, '..'), 'ann')
  reload(api.server, 'none', () => ({ ...config, listeners }))
  assert.equal(await ask('bob'), 401)
})

test('the dashboard does without its port when another program has it', async (context) => {
  const other = createServer((socket) => socket.end('other')).listen(0, '127.0.0.1')
  context.after(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const api = await startLocal(context, '', port)
  const client = await api.client()
  assert.equal(client.connected, true)
  const socket = connect(port, '127.0.0.1')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'other')
})

test('with a certificate it is https, and the cookie is for https alone', async (context) => {
  const certificates = await makeCertificates()
  context.after(certificates.remove)
  const { server, authority, directory } = certificates
  const passwords = await writePasswords(directory, 'ann')
  const files = `certfile ${server.certificateFile}\nkeyfile ${server.keyFile}`
  const lines = `${files}\nhttp_admin_user ann\npassword_file ${passwords}`
  const api = await startConfigured(context, lines)
  const body = JSON.stringify({ username: 'ann', password })
  const sent = request({
    host: 'localhost',
    port: api.httpPort,
    method: 'POST',
    path: '/api/v1/session',
    ca: authority.certificate,
    headers: { 'content-type': 'application/json', 'x-csrf-token': 'x' },
  })
  sent.end(body)
  const [answer] = await once(sent, 'response')
  answer.resume()
  assert.equal(answer.statusCode, 200)
  assert.match(String(answer.headers['set-cookie']), /; Secure/)
})
