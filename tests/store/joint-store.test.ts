import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Store } from '../../src/ports/store.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { RemoteStore } from '../../src/threads/remote-store.ts'
import { serveStore } from '../../src/threads/serve-store.ts'
import { linkThread } from '../../src/threads/thread-link.ts'
import { storeContract } from './contract.ts'
import { type StoreSetup } from './door.ts'
import { messageOf, Told } from './told.ts'

/** Doors to one store, `nodes` of them; when they are closed the next ones are those of a new one on the same data. */
function setupOn(
  nodes: number,
  makeStore: () => Store,
  dispose: () => void,
  defer: (run: () => void) => void,
): StoreSetup {
  let joint: JointStore | null = null
  let made = 0
  return {
    store(node) {
      if (joint === null || made === nodes) {
        joint = new JointStore(makeStore(), { doors: nodes, hasRoom: () => true })
        made = 0
      }
      made++
      return joint.door(node, defer)
    },
    dispose: async () => dispose(),
  }
}

for (const [when, defer] of [
  ['prompt', queueMicrotask],
  ['late', (run: () => void) => void setImmediate(run)],
] as const)
  storeContract(
    `joint, memory, ${when}`,
    async (nodes) => {
      const data = new MemoryData()
      const make = () => createMemoryStore(data, { node: 'all', defer: queueMicrotask })
      return setupOn(nodes, make, () => {}, defer)
    },
    { shared: true, fixedNodes: true },
  )

storeContract(
  'joint, leveldb',
  async (nodes) => {
    const location = mkdtempSync(join(tmpdir(), 'mozzie-joint-'))
    const make = () => createLevelStore({ location, sync: 'never', wallMs: Date.now, warn() {} })
    const dispose = () => rmSync(location, { recursive: true, force: true })
    return setupOn(nodes, make, dispose, queueMicrotask)
  },
  { shared: true, fixedNodes: true },
)

/** The second door is in another thread, as far as bytes go. */
storeContract(
  'joint, by bytes',
  async (nodes) => {
    const data = new MemoryData()
    const make = () => createMemoryStore(data, { node: 'all', defer: queueMicrotask })
    const ports: MessagePort[] = []
    const close = () => {
      for (const port of ports) port.close()
    }
    const setup = setupOn(nodes, make, close, queueMicrotask)
    return {
      ...setup,
      store: (node) =>
        node === 'b' || nodes === 1 ? overThere(setup.store(node), ports) : setup.store(node),
    }
  },
  { shared: true, fixedNodes: true, numbersLater: true },
)

test('by bytes: a retained message that is found to be over goes, and one that has replaced it stays', async () => {
  const ports: MessagePort[] = []
  const own = createMemoryStore(new MemoryData(), { node: 'all', defer: queueMicrotask })
  const joint = new JointStore(own, { doors: 2, hasRoom: () => true })
  const here = joint.door('a', queueMicrotask)
  const there = overThere(joint.door('b', queueMicrotask), ports)
  const [toldHere, toldThere] = [new Told(), new Told()]
  here.open(toldHere.events)
  there.open(toldThere.events)
  await toldThere.next('ready')
  for (const [batch, expiresAtMs] of [1001, Infinity, 1000].entries()) {
    assert.deepEqual(toldHere.all('retained'), [])
    const message = messageOf('t', 'x')
    message.expiresAtMs = expiresAtMs
    here.saveRetained('t', message)
    here.seal(batch + 1)
    await toldThere.next('retained')
    there.saveRetained('t', null, 1000)
    there.seal(batch + 1)
    await toldThere.next('committed')
  }
  assert.deepEqual(await toldHere.next('retained'), ['t', null])
  for (const port of ports) port.close()
})

function overThere(door: Store, ports: MessagePort[]): Store {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1)
  const there = linkThread(
    port1,
    (op, reader) => void serve(op, reader),
    () => true,
  )
  const serve = serveStore(door, there.out)
  const here = linkThread(
    port2,
    (op, reader) => void store.told(op, reader),
    () => true,
  )
  const store = new RemoteStore(here.out, false)
  return store
}
