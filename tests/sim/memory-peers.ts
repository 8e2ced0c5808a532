/** A junction in virtual time: brokers of one world, joined. */
import type { Peers } from '../../src/ports/peers.ts'
import { Junction } from '../../src/threads/junction.ts'
import type { Timeline } from './world.ts'

/** One way between two nodes, ms. */
const WAY_MS = 1

/** What joins the nodes. `storeDelayMs`: so late may a node be told what another wrote into the store. */
export class Mesh {
  private readonly junction = new Junction()
  private readonly time: Timeline
  private readonly storeDelayMs: number

  constructor(time: Timeline, storeDelayMs: number) {
    this.time = time
    this.storeDelayMs = storeDelayMs
  }

  join(name: string): Peers {
    return this.junction.join(name, {
      defer: (run) => this.time.at(WAY_MS, run),
      sync: (done) => this.time.at(WAY_MS + this.storeDelayMs, done),
      copies: false,
    })
  }

  leave(name: string): void {
    this.junction.leave(name)
  }
}
