import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../../src/broker/state/model.ts'
import { createMessage } from '../../src/ports/message.ts'
import type { SessionRecord, Store, StoreEvents } from '../../src/ports/store.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { SimNode, Timeline } from '../sim/world.ts'

/** A store that tells what the test wants it to tell, and notes what it is asked for. */
function scriptedStore() {
  const calls: string[] = []
  let events: StoreEvents | null = null
  const opening = { survives: true, open: (told: StoreEvents) => void (events = told) }
  const note = (name: string) => (what: unknown) =>
    void calls.push(typeof what === 'string' ? `${name} ${what}` : name)
  const store = new Proxy(opening, {
    get: (target, name) => Reflect.get(target, name) ?? note(String(name)),
  }) as unknown as Store
  return { store, calls, told: () => events as unknown as StoreEvents }
}

const wallMs = 1e12

function recordOf(clientId: string, change: Partial<SessionRecord> = {}): SessionRecord {
  const username: Session['username'] = null
  const base = { clientId, username, version: 5, expirySeconds: 1, will: null } as const
  return { ...base, disconnectedAtMs: wallMs, ...change }
}

test('nothing falls due before the store has told everything it keeps', () => {
  const time = new Timeline()
  const { store, calls, told } = scriptedStore()
  const data = new MemoryData()
  const node = new SimNode({ time, random: () => 0.5, data, name: 'a', storeDelayMs: 0, store })
  const message = createMessage({
    topic: 'w',
    payload: new Uint8Array(1),
    qos: 1,
    retain: true,
    properties: {},
    publisher: 'willing',
    publisherUser: null,
    wallMs,
  })
  const will = { message, dueAtMs: wallMs, remote: '', origin: '' }
  told().session('expired', recordOf('expired'))
  told().session('willing', recordOf('willing', { expirySeconds: 1000, will }))
  time.run(time.nowMs + 5000)
  assert.equal(calls.join(), '')
  told().session('late', recordOf('late', { expirySeconds: 1000 }))
  told().route('late', 'w', {
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    subscriptionId: 0,
  })
  told().ready()
  time.run(time.nowMs + 500)
  assert.deepEqual(calls.filter((call) => !call.startsWith('seal')).sort(), [
    'append late',
    'deleteSession expired',
    'saveRetained w',
    'saveSession',
  ])
  assert.deepEqual(node.errors, [])
})
