import { setImmediate as turn } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import type { Peers } from '../../src/ports/peers.ts'
import { Junction } from '../../src/threads/junction.ts'
import { RemotePeers, servePeers } from '../../src/threads/peers-wire.ts'
import { linkThread, LocalWay } from '../../src/threads/thread-link.ts'
import { peersContract } from './contract.ts'
import type { PeersSetup } from './peer-node.ts'

/** Turns of the event loop that nothing takes longer than. */
const TURNS_MAX = 10_000

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > TURNS_MAX) throw new Error('it does not come')
    await turn()
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

async function inMemory(): Promise<PeersSetup> {
  const junction = new Junction()
  return {
    join: async (name) =>
      junction.join(name, {
        defer: (run) => void setImmediate(run),
        sync: (done) => void setImmediate(done),
        copies: false,
      }),
    leave: async (name) => junction.leave(name),
    until,
    settle,
    dispose: async () => {},
  }
}

peersContract('in memory', inMemory, { fair: true, isAhead: true })

/** As the threads of a process are joined, all of them in this one: real ports, real bytes. */
async function byBytes(): Promise<PeersSetup> {
  const junction = new Junction()
  const way = new LocalWay()
  const ends: (() => void)[] = []
  const remote = (name: string): Peers => {
    const { port1, port2 } = new MessageChannel()
    const there = linkThread(
      port1,
      (op, reader) => way.whileIdle(() => void serve.read(op, reader)),
      () => true,
    )
    const serve = servePeers(junction, name, there.out)
    const here = linkThread(
      port2,
      (op, reader) => void peers.told(op, reader),
      () => true,
    )
    const peers = new RemotePeers(here.out)
    ends.push(() => port1.close())
    return peers
  }
  let isFirst = true
  return {
    join: async (name) => {
      const isLocal = isFirst
      isFirst = false
      if (!isLocal) return remote(name)
      return junction.join(name, {
        defer: way.defer,
        sync: way.defer,
        get copies() {
          return way.copies
        },
      })
    },
    leave: async (name) => junction.leave(name),
    until,
    settle,
    dispose: async () => {
      for (const end of ends) end()
    },
  }
}

peersContract('by bytes', byBytes, { fair: true, isAhead: true, diesAlone: false })
