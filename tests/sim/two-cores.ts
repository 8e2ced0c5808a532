/** Two cores on one set of data, in whose turns time passes. */
import assert from 'node:assert/strict'
import type { Qos } from '../../src/codec/packets.ts'
import type { Limits } from '../../src/ports/limits.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { SimClient, type Will } from './client.ts'
import { Mesh } from './memory-peers.ts'
import { seeded, SimNode, Timeline } from './world.ts'

/** A link that stalls takes a while. */
export const CALM_MS = 5000

/** How they stand on it: as nodes of a cluster, or as threads with doors to one store. */
export const KINDS = ['one data', 'doors'] as const

export class TwoCores {
  readonly time = new Timeline()
  readonly random: () => number
  readonly a: SimNode
  readonly b: SimNode

  constructor(kind: (typeof KINDS)[number], seed: number, limits: Partial<Limits> = {}) {
    const { time } = this
    const random = (this.random = seeded(seed))
    const data = new MemoryData()
    const mesh = new Mesh(time, 5)
    const own = createMemoryStore(data, { node: 'all', defer: (run) => time.at(2, run) })
    const joint = new JointStore(own, { doors: 2, hasRoom: () => true })
    const node = (name: string): SimNode => {
      const doors = kind === 'doors' && { store: joint.door(name, (run) => time.at(0, run)) }
      const options = { time, random, data, name, storeDelayMs: 0, limits, turnMs: 0.5 }
      return new SimNode({ ...options, peers: mesh.join(name), ...doors })
    }
    this.a = node('a')
    this.b = node('b')
    this.pass(CALM_MS)
  }

  pass(ms: number): void {
    this.time.run(this.time.nowMs + ms)
  }

  connect(id: string, node: SimNode, isDurable: boolean, will: Will | null = null): SimClient {
    const client = new SimClient(id, 5, isDurable)
    client.will = will
    client.connect(node, 1)
    this.pass(CALM_MS)
    assert.ok(client.connected, id)
    return client
  }

  subscribe(client: SimClient, filter: string, qos: Qos): void {
    client.subscribe(filter, qos)
    this.pass(CALM_MS)
    assert.ok(client.granted.has(filter), client.id)
  }

  /** Nobody made a mistake. */
  check(): void {
    assert.deepEqual([...this.a.errors, ...this.b.errors], [])
  }
}
