import { setImmediate as turn } from 'node:timers/promises'
import { Junction } from '../../src/threads/junction.ts'
import { peersContract, type PeersSetup } from './contract.ts'

/** Turns of the event loop that nothing takes longer than. */
const TURNS_MAX = 1000

async function setup(): Promise<PeersSetup> {
  const junction = new Junction()
  const until = async (condition: () => boolean): Promise<void> => {
    for (let turns = 0; !condition(); turns++) {
      if (turns > TURNS_MAX) throw new Error('it does not come')
      await turn()
    }
  }
  return {
    join: async (name) =>
      junction.join(name, {
        defer: (run) => void setImmediate(run),
        sync: (done) => void setImmediate(done),
        copies: false,
      }),
    leave: async (name) => junction.leave(name),
    until,
    settle: async () => {
      for (let turns = 0; turns < 10; turns++) await turn()
    },
    dispose: async () => {},
  }
}

peersContract('in memory', setup, { fair: true })
