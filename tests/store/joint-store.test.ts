import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../../src/ports/ports.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { storeContract, type StoreSetup } from './contract.ts'

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
