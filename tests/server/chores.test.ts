/** What the broker does now and then, while its clock is set. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stats } from '../../src/ports/stats.ts'
import { createChores } from '../../src/server/chores.ts'
import type { Server } from '../../src/server/running-server.ts'

test('retained messages that expire go, though the clock was set back by years', (t) => {
  let wallMs = Date.UTC(2038, 0, 1)
  let monotonicMs = 5000
  t.mock.method(Date, 'now', () => wallMs)
  t.mock.method(performance, 'now', () => monotonicMs)
  let sweeps = 0
  const broker = {
    stats: new Stats(),
    sweepRetained: () => sweeps++,
    setMemory: () => {},
    setLargeReads: () => {},
    takePressurePeak: () => ({ level: 0, usedBytes: 0 }),
    keptBytes: 0,
    pressure: 0,
  }
  const global = { sysIntervalMs: 0, retainExpiryIntervalMs: 60_000, memoryBytesMax: 0 }
  const server = { broker, threads: null, cluster: null, config: { global }, log: { tick() {} } }
  const chores = createChores(server as unknown as Server)
  chores()
  wallMs = Date.UTC(2026, 0, 1)
  monotonicMs += 60_000
  chores()
  assert.equal(sweeps, 2)
})
