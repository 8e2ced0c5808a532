/** One seed. */
import { Dice } from '../model/generate.ts'
import { seeded } from '../sim/world.ts'
import type { Spoil } from './core-net.ts'
import { World } from './world.ts'

export interface Outcome {
  readonly fault: string | null
  readonly published: number
  readonly came: number
  readonly bytes: number
}

export async function runSeed(seed: number, spoil: Spoil = () => {}): Promise<Outcome> {
  const random = seeded(seed)
  const world = new World(new Dice(random), random, spoil)
  let fault: string | null
  try {
    fault = await world.run()
  } catch (error) {
    fault = (error as Error).stack ?? String(error)
  }
  await world.close()
  const { published, came, bytes } = world.ledger
  return { fault, published, came, bytes }
}
