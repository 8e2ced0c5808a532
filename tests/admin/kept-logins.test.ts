/** Logins at the page outlive a restart of the broker, and nothing else does. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLogins, type KeptLogin, type LoginKeeper } from '../../src/admin/logins.ts'
import { startMozzie } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { password, scratchDirectory, writePasswords } from './api-server.ts'

interface Place {
  readonly file: string
  readonly passwords: string
  /** `http://host:port/api/v1/session`. */
  readonly url: string
  readonly logins: string
}

async function place(context: TestContext): Promise<Place> {
  const directory = scratchDirectory(context)
  const passwords = await writePasswords(directory, 'boss', 'ann')
  const [mqtt, http] = [await freePort(), await freePort()]
  const file = join(directory, 'mozzie.conf')
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  writeFileSync(
    file,
    `${user}listener ${mqtt} 127.0.0.1\npersistence true\npersistence_location ${directory}\n` +
      `password_file ${passwords}\nlistener ${http} 127.0.0.1\nprotocol http_api\nhttp_admin_user boss\n`,
  )
  const logins = join(directory, 'mozzie.db.logins')
  return { file, passwords, url: `http://127.0.0.1:${http}/api/v1/session`, logins }
}

async function start(context: TestContext, { file }: Place) {
  const broker = await startMozzie(context, '-c', file)
  return async (signal: NodeJS.Signals = 'SIGTERM') => {
    process.kill(broker.pid, signal)
    await broker.exited
  }
}

async function logIn({ url }: Place, username = 'boss'): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': 'x' },
    body: JSON.stringify({ username, password }),
  })
  assert.equal(answer.status, 200)
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

interface Session {
  readonly user: string | null
  readonly admin: boolean
  readonly csrfToken: string | null
}

async function sessionOf({ url }: Place, cookie: string): Promise<Session> {
  return (await (await fetch(url, { headers: { cookie } })).json()) as Session
}

test('who is logged in stays so over a restart and a kill, with the token against forgery', async (context) => {
  const here = await place(context)
  const stop = await start(context, here)
  const cookie = await logIn(here)
  const before = await sessionOf(here, cookie)
  assert.deepEqual([before.user, before.admin], ['boss', true])
  await stop('SIGKILL')
  const again = await start(context, here)
  assert.deepEqual(await sessionOf(here, cookie), before)
  await again()
  await start(context, here)
  assert.deepEqual(await sessionOf(here, cookie), before)
  assert.equal((await sessionOf(here, 'mozzie_session=made-up')).user, null)
})

test('the file has mode 0600, and neither the token nor the password hash', async (context) => {
  const here = await place(context)
  await start(context, here)
  const cookie = await logIn(here)
  assert.equal(statSync(here.logins).mode & 0o777, 0o600)
  const text = readFileSync(here.logins, 'utf8')
  const hash = readFileSync(here.passwords, 'utf8').split('\n')[0]?.split('$').at(-1) ?? ''
  for (const secret of [cookie.split('=')[1] ?? '', hash])
    assert.ok(secret.length > 40 && !text.includes(secret))
})

test('a password that changed, a user that went and who logged out are out after it', async (context) => {
  const here = await place(context)
  const stop = await start(context, here)
  const [boss, ann, left] = [await logIn(here), await logIn(here, 'ann'), await logIn(here)]
  const gone = await fetch(here.url, {
    method: 'DELETE',
    headers: { cookie: left, 'x-csrf-token': (await sessionOf(here, left)).csrfToken ?? '' },
  })
  assert.equal(gone.status, 200)
  await stop('SIGKILL')
  // The same password anew has another salt.
  const other = await writePasswords(scratchDirectory(context), 'boss')
  writeFileSync(here.passwords, readFileSync(other))
  await start(context, here)
  for (const cookie of [boss, ann, left]) assert.equal((await sessionOf(here, cookie)).user, null)
})

test('a file that is broken, or planted, lets nobody in', async (context) => {
  const here = await place(context)
  const stop = await start(context, here)
  const cookie = await logIn(here, 'ann')
  await stop()
  const [entry] = (JSON.parse(readFileSync(here.logins, 'utf8')) as { logins: KeptLogin[] }).logins
  assert.ok(entry)
  const planted = JSON.stringify({ version: 1, logins: [{ ...entry, username: 'boss' }, 7, {}] })
  for (const text of [planted, '{', '{"version":1}', '']) {
    writeFileSync(here.logins, text)
    chmodSync(here.logins, 0o600)
    const end = await start(context, here)
    assert.equal((await sessionOf(here, cookie)).user, null)
    await end()
  }
})

test('without a store nothing is written', async (context) => {
  const here = await place(context)
  writeFileSync(here.file, readFileSync(here.file, 'utf8').replace('persistence true\n', ''))
  await start(context, here)
  await logIn(here)
  assert.ok(!existsSync(here.logins))
})

test('kept logins end as others do: 8 h unused, 24 h old, at most 1000 of them', () => {
  let nowMs = 1_000_000_000_000
  let kept: readonly KeptLogin[] = []
  const who = (name: string) => ({
    clientId: 'http-api',
    username: name,
    remote: '',
    listener: null,
    login: null,
    origin: '',
  })
  const keeper: LoginKeeper = {
    load: () => kept,
    save: (list) => (kept = list),
    proofOf: () => ({ realm: 'r', proof: 'p' }),
    again: ({ username }) => who(username),
  }
  const open = () => {
    const logins = createLogins(() => nowMs, keeper)
    // Whoever is asked for it: the keeper above knows everybody.
    logins.restore(null as never)
    return logins
  }
  const { token } = open().begin(who('ann'))
  nowMs += 8 * 3600_000
  const first = open()
  assert.equal(first.find(token)?.who.username, 'ann')
  first.close()
  nowMs += 8 * 3600_000
  const used = open()
  assert.ok(used.find(token))
  used.close()
  nowMs += 8 * 3600_000 + 1
  assert.equal(open().find(token), null)
  const many = open()
  for (let at = 0; at < 1100; at++) many.begin(who(String(at)))
  assert.equal(kept.length, 1000)
  nowMs -= 3600_000
  assert.equal(open().find(many.begin(who('clock')).token), null, 'a clock that was set back')
})
