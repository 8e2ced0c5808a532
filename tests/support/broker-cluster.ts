/**
 * Every broker that a test starts as three nodes of a cluster. `MOZZIE_TEST_CLUSTER=one`: all clients at one of them; `spread`:
 * each connection at the next.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { startBrokers } from '../cluster/brokers.ts'
import { skipNats, startNats, type NatsServers } from '../cluster/nats-servers.ts'
import { newName } from '../cluster/nodes.ts'
import type { BrokerProcess } from './broker-process.ts'

const NODES = 3
/** Long: nothing is killed. */
const LEASE_SECONDS = 60

/** One for all brokers that run at the same time. */
let nats: Promise<NatsServers> | null = null
let users = 0

async function leaveNats(): Promise<void> {
  if (--users > 0) return
  const servers = nats
  nats = null
  await (await servers)?.stop()
}

export async function startAsCluster(config: string, mode: string): Promise<BrokerProcess> {
  if (skipNats !== false) throw new Error(skipNats)
  users++
  nats ??= startNats(1)
  const { urls } = await nats
  const { brokers, stop } = await startBrokers({
    urls,
    cluster: newName(),
    count: NODES,
    replicas: 1,
    leaseSeconds: LEASE_SECONDS,
    lines: config,
  }).catch(async (error: unknown) => {
    await leaveNats()
    throw error
  })
  const front = mode === 'spread' ? await startFront(brokers.map(({ port }) => port)) : null
  return {
    port: front?.port ?? brokers[0].port,
    pid: brokers[0].pid(),
    log: () => brokers.map((broker) => broker.log()).join(''),
    signal: (name) => {
      for (const broker of brokers) process.kill(broker.pid(), name)
    },
    async stop() {
      const codes = await Promise.all(brokers.map((broker) => broker.kill('SIGTERM')))
      front?.server.close()
      await stop()
      await leaveNats()
      return codes.find((code) => code !== 0) ?? 0
    },
  }
}

/** A load balancer: each connection goes to the next of `ports`. */
async function startFront(ports: readonly number[]): Promise<{ port: number; server: Server }> {
  let next = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const port = ports[next++ % ports.length]
    const broker = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    join(client, broker)
    join(broker, client)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, server: server.unref() }
}

function join(from: Socket, to: Socket): void {
  from.pipe(to)
  from.once('error', () => to.resetAndDestroy())
  from.once('close', () => to.destroySoon())
}
