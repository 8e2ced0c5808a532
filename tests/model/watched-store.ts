/** A store of which it is known whether it still owes an answer. */
import type { Store, StoreEvents } from '../../src/ports/store.ts'

export type WatchedStore = Store & { isBusy(): boolean }

const PASSED_ON = [
  'close',
  'unclaim',
  'saveSession',
  'deleteSession',
  'saveSubscription',
  'deleteSubscription',
  'append',
  'acknowledge',
  'release',
  'holdInbound',
  'dropInbound',
  'saveRetained',
  'saveDelayed',
] as const

type PassedOn = Pick<Store, (typeof PASSED_ON)[number]>

export function watchStore(store: Store): WatchedStore {
  const asked = new Set<number>()
  let sealed = 0
  let committed = 0
  let isOpening = false
  const watch = (events: StoreEvents): StoreEvents => ({
    ...events,
    ready() {
      isOpening = false
      events.ready()
    },
    claimed(request, session, owner) {
      asked.delete(request)
      events.claimed(request, session, owner)
    },
    page(request, clientId, entries, more) {
      asked.delete(request)
      events.page(request, clientId, entries, more)
    },
    committed(batch) {
      committed = Math.max(committed, batch)
      events.committed(batch)
    },
  })
  const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, store[name].bind(store)]))
  return {
    ...(passedOn as unknown as PassedOn),
    survives: store.survives,
    isBusy: () => isOpening || asked.size > 0 || committed < sealed,
    open(events) {
      isOpening = true
      store.open(watch(events))
    },
    claim(request, clientId, cleanStart) {
      asked.add(request)
      store.claim(request, clientId, cleanStart)
    },
    read(request, clientId, after, limit) {
      asked.add(request)
      store.read(request, clientId, after, limit)
    },
    seal(batch) {
      sealed = batch
      store.seal(batch)
    },
  }
}
