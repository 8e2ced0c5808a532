/** Loads that are looked at, and the machines that they are to be served by. */
import { NODES_MAX } from '../../src/cluster/interests.ts'
import type { Profile } from './model.ts'
import type { Limits } from './size.ts'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 24 * HOUR_SECONDS
const GIB = 2 ** 30

const COMMON = { collectors: 0, receivers: 1, reconnects: 1 / DAY_SECONDS, keepAliveSeconds: 60 }

export const CLIENTS: readonly number[] = [1e6, 1e7]

export const PROFILES: readonly Profile[] = [
  { ...COMMON, name: 'tags', isDurable: true, messages: 1 / HOUR_SECONDS },
  { ...COMMON, name: 'sensors', isDurable: false, messages: 1 / 60, receivers: 3, collectors: 3 },
  { ...COMMON, name: 'chat', isDurable: true, messages: 1 / 10 },
]

/** Records and entries a second: of the prototype, one stream of three replicas with `sync_interval: always`, 2026-11. */
export const LIMITS: Limits = {
  shareMax: 0.6,
  serverCores: 4,
  connectionsMax: 50_000,
  nodesMax: NODES_MAX,
  nodeBytesMax: 4 * GIB,
  serverBytesMax: 64 * GIB,
  replicas: 3,
  recordsMax: 13_600,
  entriesMax: 47_000,
  networkUs: 100,
  syncUs: 500,
}
