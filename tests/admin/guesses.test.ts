/** Who guesses at the page's login, or lets many others guess from the same address. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { startAnswering } from '../auth/answering.ts'
import { basic, password, startConfigured, startWithUsers } from './api-server.ts'

test('five wrong passwords a minute, by login and by header alike, then nobody is asked', async (context) => {
  const api = await startWithUsers(context)
  const wrong = { username: 'admin', password: 'wrong' }
  for (let attempt = 0; attempt < 3; attempt++)
    assert.equal((await api.post('/api/v1/session', wrong)).status, 401)
  for (let attempt = 0; attempt < 2; attempt++) {
    const headers = basic('admin', 'wrong')
    assert.equal((await api.call('GET', '/api/v1/overview', { headers })).status, 401)
  }
  const answer = await api.post('/api/v1/session', { username: 'admin', password })
  assert.equal(answer.status, 429)
  assert.match(answer.json.message, /Try again in \d+ seconds/)
})

test('of many wrong passwords at once no more are looked at, and right ones at once all get in', async (context) => {
  const held: ServerResponse[] = []
  const { port, asked } = await startAnswering(context, ({ params }, response) => {
    if (params['password'] === password) return void response.end('{"allow": true}')
    held.push(response)
    // The others are on their way, or wait.
    if (held.length >= 5) for (const each of held.splice(0)) each.writeHead(403).end()
  })
  const api = await startConfigured(
    context,
    `http_admin_user admin\nauth_http_url http://127.0.0.1:${port}/`,
  )
  const logIns = async (count: number, secretOf: (at: number) => string): Promise<number[]> => {
    const sent = Array.from({ length: count }, (_, at) =>
      api.post('/api/v1/session', { username: 'admin', password: secretOf(at) }),
    )
    return (await Promise.all(sent)).map(({ status }) => status)
  }
  assert.deepEqual(new Set(await logIns(20, () => password)), new Set([200]))
  asked.length = 0
  const guesses = await logIns(20, (at) => `guess ${at}`)
  assert.equal(asked.length, 5)
  assert.deepEqual(guesses.toSorted(), [...Array(5).fill(401), ...Array(15).fill(429)])
})

test('who may log in does not have wrong passwords for others forgotten by that', async (context) => {
  const api = await startWithUsers(context)
  const logInAs = async (username: string, secret: string): Promise<number> =>
    (await api.post('/api/v1/session', { username, password: secret })).status
  for (let guess = 0; guess < 4; guess++) assert.equal(await logInAs('admin', 'wrong'), 401)
  assert.equal(await logInAs('user', password), 200)
  assert.equal(await logInAs('admin', 'wrong'), 401)
  assert.equal(await logInAs('admin', password), 429)
})
