/** Bans and networks by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BanList, fits, type Ban, type BanTarget } from '../../src/auth/bans/ban-list.ts'
import { Bans, BY_RULE } from '../../src/auth/bans/bans.ts'
import { parseBans } from '../../src/auth/bans/ban-file.ts'
import { createGate } from '../../src/auth/bans/gate.ts'
import { parseNetwork, showNetwork } from '../../src/auth/bans/network.ts'

const nobody = { clientId: null, username: null, address: null }
const plain = { untilMs: null, reason: '', by: '', madeAtMs: 0 }

test('networks are written in one way, an IPv4 address within IPv6 as IPv4', () => {
  const written: [text: string, shown: string | null][] = [
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['::/0', '::/0'],
    ['10.1.2.3/33', null],
    ['10.1.2.3/', null],
    ['10.1.2.3/8/8', null],
    ['10.1.2', null],
    ['::1/129', null],
    ['1::2::3', null],
    ['/tmp/socket', null],
    ['', null],
  ]
  for (const [text, shown] of written) {
    const network = parseNetwork(text)
    assert.equal(network === null ? null : showNetwork(network), shown, text)
  }
})

const target = fc
  .record({
    clientId: fc.option(fc.constantFrom('a', 'b', '__proto__')),
    username: fc.option(fc.constantFrom('u', 'v')),
    address: fc.option(fc.constantFrom('10.0.0.1', '10.0.0.0/8', '10.0.0.0/9', '::1', '::/1')),
  })
  .filter((one) => fits({ ...one }, { clientId: '', username: null, remote: '' }) || hasName(one))

function hasName({ clientId, username, address }: BanTarget): boolean {
  return clientId !== null || username !== null || address !== null
}

test('what the list finds is what one ban after the other says, while bans come and go', () => {
  const who = fc.record({
    clientId: fc.constantFrom('a', 'b', 'c'),
    username: fc.option(fc.constantFrom('u', 'v', 'w')),
    remote: fc.constantFrom('10.0.0.1:9', '10.200.0.1:9', '::1:9', '9::1:9', '/run/socket'),
  })
  const steps = fc.array(fc.tuple(target, fc.nat(9), fc.boolean()), { maxLength: 30 })
  fc.assert(
    fc.property(steps, who, (made, one) => {
      const list = new BanList()
      for (const [wanted, id, isLifted] of made) {
        if (isLifted) list.delete(id)
        else list.put({ id, ...wanted, ...plain })
      }
      const expected = list.all().some((ban) => fits(ban, one))
      assert.equal(list.find(one, 0) !== null, expected)
    }),
  )
})

test('of several bans the one counts that lasts longest; one that is over does not', () => {
  const list = new BanList()
  const ban = (id: number, untilMs: number | null): Ban => ({
    id,
    ...nobody,
    ...plain,
    clientId: 'a',
    untilMs,
  })
  const find = (nowMs: number) => list.find({ clientId: 'a', username: null, remote: 'x' }, nowMs)
  list.put(ban(1, 10))
  list.put(ban(2, 20))
  assert.equal(find(5)?.id, 2)
  assert.equal(find(20), null)
  list.put(ban(3, null))
  assert.equal(find(20)?.id, 3)
})

function memory(
  save: (text: string) => Promise<void> = () => Promise.resolve(),
  found: Ban[] = [],
) {
  const texts: string[] = []
  const bans = new Bans(
    {
      file: 'bans',
      wallMs: () => 1000,
      async save(_, text) {
        await save(text)
        texts.push(text)
      },
    },
    { bans: found, lastId: found.length, text: '' },
  )
  return { bans, texts }
}

const wish = { ...nobody, reason: '', forMs: null }

test('what could not be saved is not in force, and what was before it is', async () => {
  let isFull = false
  const { bans, texts } = memory(() =>
    isFull ? Promise.reject(new Error('no space')) : Promise.resolve(),
  )
  await bans.ban({ ...wish, clientId: 'a', by: 'ann', forMs: 500 })
  isFull = true
  const more = [
    bans.ban({ ...wish, clientId: 'b', by: 'ann' }),
    bans.ban({ ...wish, clientId: 'a', by: 'bob' }),
    bans.lift(1),
  ]
  for (const each of more) await assert.rejects(each, { name: 'BanError', kind: 'unsaved' })
  const [only, ...others] = bans.inForce()
  assert.deepEqual([only.by, others.length], ['ann', 0])
  isFull = false
  await bans.ban({ ...wish, clientId: 'c', by: 'ann' })
  assert.deepEqual(
    parseBans(texts.at(-1) ?? '', 'bans').bans.map(({ clientId }) => clientId),
    ['a', 'c'],
  )
})

test('what the rule bans in one moment is one write, and each is in the file when it is answered', async () => {
  const { bans, texts } = memory()
  const made = Array.from({ length: 100 }, async (_, at) => {
    const { id } = await bans.ban({ ...wish, clientId: `c${at}`, by: BY_RULE, forMs: 60_000 })
    assert.ok(parseBans(texts.at(-1) ?? '', 'bans').bans.some((ban) => ban.id === id))
  })
  await Promise.all(made)
  assert.ok(texts.length <= 2, `${texts.length} writes`)
})

test('ten thousand bans and no more: those of the rule give way, those of people never', async () => {
  const made = (byOf: (id: number) => string): Ban[] =>
    Array.from({ length: 10_000 }, (_, at) => {
      const id = at + 1
      return { id, ...nobody, ...plain, clientId: `c${id}`, by: byOf(id), untilMs: 10_000 + id }
    })
  const mixed = memory(
    undefined,
    made((id) => (id % 20 === 0 ? BY_RULE : 'ann')),
  ).bans
  await mixed.ban({ ...wish, clientId: 'new', by: BY_RULE, forMs: 60_000 })
  assert.equal(mixed.list.size, 10_000)
  assert.equal(mixed.list.get(20), undefined)
  assert.notEqual(mixed.list.get(1), undefined)
  for (let count = 0; count < 2000; count++)
    void mixed.ban({ ...wish, clientId: `new${count}`, by: BY_RULE, forMs: 60_000 })
  const ofRule = mixed.list.all().filter(({ by }) => by === BY_RULE)
  assert.deepEqual([mixed.list.size, ofRule.length], [10_000, 500])
  const alone = memory().bans
  for (let count = 0; count < 2000; count++)
    void alone.ban({ ...wish, clientId: `new${count}`, by: BY_RULE, forMs: 60_000 })
  assert.equal(alone.list.size, 1000)
  const { bans } = memory(
    undefined,
    made(() => 'ann'),
  )
  await assert.rejects(bans.ban({ ...wish, clientId: 'new', by: BY_RULE }), { kind: 'full' })
  await assert.rejects(bans.ban({ ...wish, clientId: 'new', by: 'bob' }), { kind: 'full' })
})

test('the rule never shortens what a person has made longer', async () => {
  const { bans } = memory()
  await bans.ban({ ...wish, clientId: 'a', by: 'ann' })
  await bans.ban({ ...wish, clientId: 'a', by: BY_RULE, forMs: 10 })
  assert.equal(bans.inForce()[0].untilMs, null)
})

test('the rule counts within its window; ids that are invented take no memory', () => {
  let nowMs = 0
  const flapped: string[] = []
  const gate = createGate({
    list: new BanList(),
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    rule: () => ({ connectionsMax: 3, windowMs: 1000, banMs: 1 }),
    flapped: ({ clientId }) => void flapped.push(clientId),
  })
  const come = (clientId: string) =>
    gate.admit({ clientId, username: null, remote: 'h:1', listener: null, login: null, origin: '' })
  for (let count = 0; count < 3; count++) come('a')
  nowMs = 1000
  for (let count = 0; count < 3; count++) come('a')
  assert.deepEqual(flapped, [])
  come('a')
  assert.deepEqual(flapped, ['a'])
  const before = process.memoryUsage().heapUsed
  for (let count = 0; count < 300_000; count++) come(`id${count}`)
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
})

test('an attacker who connects pays more than the list of ten thousand does', () => {
  const list = new BanList()
  for (let id = 1; id <= 10_000; id++)
    list.put({ id, ...nobody, ...plain, address: `10.${id >> 8}.${id & 255}.0/${8 + (id % 25)}` })
  const start = process.cpuUsage()
  for (let count = 0; count < 20_000; count++)
    list.find({ clientId: 'a', username: 'u', remote: '192.0.2.1:5000' }, 0)
  const { user } = process.cpuUsage(start)
  assert.ok(user / 20_000 < 100, `${user / 20_000} µs`)
})
