import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { storeContract } from './contract.ts'
import { type StoreSetup } from './door.ts'

async function makeSetup(): Promise<StoreSetup> {
  const location = mkdtempSync(join(tmpdir(), 'mozzie-store-'))
  return {
    store: () => createLevelStore({ location, sync: 'never', wallMs: Date.now, warn() {} }),
    dispose: async () => rmSync(location, { recursive: true, force: true }),
  }
}

storeContract('leveldb', makeSetup, { shared: false })
