/** What is remembered of clients, and for how long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventLog } from '../../src/admin/event-log.ts'
import type { Identity, Observer } from '../../src/ports/ports.ts'

const EVENTS_MAX = 20_000

const someone = (clientId: string) =>
  ({ clientId, username: null, remote: '127.0.0.1:1' }) as Identity

test('the last 20,000 events are kept, and since when none is missing is told', () => {
  const observer: Observer = {}
  const log = createEventLog(observer)
  observer.connected?.(someone('first'), 5)
  for (let at = 1; at < EVENTS_MAX; at++) observer.connected?.(someone(`c${at}`), 5)
  assert.equal(log.of('first').length, 1)
  assert.equal(log.clientIds().size, EVENTS_MAX)
  const allSinceMs = log.sinceMs()
  assert.ok(allSinceMs <= (log.of('first')[0]?.timeMs ?? 0))

  observer.connected?.(someone('last'), 5)
  assert.deepEqual(log.of('first'), [])
  assert.equal(log.clientIds().size, EVENTS_MAX)
  assert.equal(log.of('last').length, 1)
  assert.ok(log.sinceMs() >= allSinceMs)
})

const HOUR_MS = 3600_000
/** Comings and goings a second that an hour has room for. */
const EACH_SECOND = 5

test('an hour is kept where no more than five come or go in a second, and beyond that the time is told', (t) => {
  const startMs = Date.parse('2026-03-01T02:00:00Z')
  t.mock.timers.enable({ apis: ['Date'], now: startMs })
  const observer: Observer = {}
  const log = createEventLog(observer)
  observer.connected?.(someone('first'), 5)
  observer.refused?.(someone('refused'), '10.0.0.1:1', 'not authorised')
  for (let passedMs = 0; passedMs < HOUR_MS; passedMs += 1000) {
    t.mock.timers.tick(1000)
    for (let at = 0; at < EACH_SECOND; at++)
      observer.disconnected?.(someone(`c${at}`), 'session taken over')
  }
  assert.equal(Date.now() - startMs, HOUR_MS)
  assert.deepEqual(
    log.of('first').map(({ timeMs }) => timeMs),
    [startMs],
  )
  assert.equal(log.of('refused').length, 1)
  assert.equal(log.sinceMs(), startMs)

  t.mock.timers.tick(HOUR_MS)
  for (let at = 0; at < EVENTS_MAX; at++) observer.connected?.(someone('busy'), 5)
  assert.deepEqual(log.of('first'), [])
  assert.equal(log.sinceMs(), startMs + 2 * HOUR_MS)
})

test('an event says the same to who looks later as to who hears it', () => {
  const observer: Observer = {}
  const log = createEventLog(observer)
  observer.subscribed?.(someone('unheard'), 'a/#', 2, 2, 0)
  const heard: unknown[] = []
  log.onEvent((event) => heard.push(event))
  observer.subscribed?.(someone('client'), 'b', 0, 0, 0)
  observer.unsubscribed?.(someone('client'), 'b')
  observer.connected?.(someone('client'), 4)
  assert.deepEqual(log.of('client'), heard.toReversed())
  assert.deepEqual(
    [...log.of('client'), ...log.of('unheard')].map(({ kind, detail }) => [kind, detail]),
    [
      ['connected', 'MQTT 3.1.1'],
      ['unsubscribed', 'b'],
      ['subscribed', 'b (QoS 0)'],
      ['subscribed', 'a/# (QoS 2)'],
    ],
  )
})

test('who has no client id pushes out nothing, and of refusals the last 1000 are listed', () => {
  const observer: Observer = {}
  const log = createEventLog(observer)
  observer.connected?.(someone('first'), 5)
  for (let at = 0; at < EVENTS_MAX; at++) observer.refused?.(null, `10.0.0.1:${at}`, 'no such user')
  assert.equal(log.of('first').length, 1)
  const refusals = log.refusals()
  assert.equal(refusals.length, 1000)
  assert.equal(refusals[0]?.remote, `10.0.0.1:${EVENTS_MAX - 1}`)
})

test('a client with many subscriptions is still known to have lost its connection twice', () => {
  const observer: Observer = {}
  const log = createEventLog(observer)
  observer.connected?.(someone('quiet'), 5)
  for (let time = 0; time < 3; time++) {
    observer.connected?.(someone('twin'), 5)
    for (let at = 0; at < EVENTS_MAX; at++)
      observer.subscribed?.(someone('twin'), `a/${at}`, 1, 1, 0)
    observer.disconnected?.(someone('twin'), 'session taken over')
  }
  const kinds = log.of('twin').map(({ kind }) => kind)
  assert.equal(kinds.filter((kind) => kind === 'disconnected').length, 3)
  assert.deepEqual([kinds[0], kinds[1], kinds.length], ['disconnected', 'subscribed', 106])
  assert.equal(log.of('quiet').length, 1)
})

test('what clients write is kept within a bound of characters, and the oldest goes', () => {
  const observer: Observer = {}
  const log = createEventLog(observer)
  const long = 'x'.repeat(60_000)
  for (let at = 0; at < 1000; at++) {
    observer.subscribed?.(someone('long'), `${at}/${long}`, 0, 0, 0)
    observer.disconnected?.(someone(`long-${at}`), long)
    observer.refused?.(someone(''), '10.0.0.1:1', `${at} ${long}`)
  }
  const charactersMax = 8 * 2 ** 20
  const characters = (events: readonly { clientId: string; detail: string }[]) =>
    events.reduce((sum, { clientId, detail }) => sum + clientId.length + detail.length, 0)
  const came = [...log.clientIds()].filter((id) => id !== 'long').flatMap((id) => log.of(id))
  for (const events of [came, log.refusals()]) {
    assert.ok(characters(events) <= charactersMax)
    assert.ok(characters(events) > charactersMax - 2 * long.length)
  }
  assert.equal(log.of('long').length, 100)
  assert.equal(log.of('long-0').length, 0)
  assert.equal(log.of('long-999').length, 1)
  assert.ok(log.refusals()[0]?.detail.startsWith('999 '))
})
