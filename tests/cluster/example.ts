/**
 * `npm run example:cluster`: three nats-servers and three brokers on loopback, clients that keep a ledger, and one of each that
 * is killed. Prints what was lost; the dashboard stays open until Ctrl-C (`--once`: not).
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ADMIN, startBrokers } from './brokers.ts'
import { Ledger } from './ledger.ts'
import { skipNats, startNats } from './nats-servers.ts'

const STEP_MS = 3000
const SETTLE_MS_MAX = 60_000

if (skipNats !== false) {
  console.error(`It needs a nats-server: ${skipNats}`)
  process.exit(1)
}

const nats = await startNats(3, 'always')
console.log(`NATS: ${nats.urls.join(', ')}`)
const { brokers, stop } = await startBrokers({
  urls: nats.urls,
  cluster: 'example',
  count: 3,
  replicas: 3,
  leaseSeconds: 10,
  hasPages: true,
})
for (const { name, port, httpPort } of brokers)
  console.log(`broker ${name}: mqtt://127.0.0.1:${port}  http://127.0.0.1:${httpPort}`)

const ledger = new Ledger(brokers, 2, 3, 3)
await ledger.start()
console.log(`The dashboards: user ${ADMIN.name}, password ${ADMIN.password}.`)
console.log('Three publishers and three durable subscribers, QoS 2, one of each at every broker.')
await sleep(STEP_MS)
console.log(`${ledger.acked} messages acknowledged. Killing broker b0 and a NATS server.`)
await Promise.all([brokers[0].kill('SIGKILL'), nats.servers[1].kill('SIGKILL')])
await sleep(STEP_MS)
console.log(`${ledger.acked} messages acknowledged. Both come back.`)
await Promise.all([brokers[0].start(), nats.servers[1].start()])
await sleep(STEP_MS)
const { acked, received, lost, twice, outOfOrder } = await ledger.finish(SETTLE_MS_MAX)
console.log(
  `${acked} acknowledged, ${received} received by three: ${lost.length} lost, ${twice} twice, ${outOfOrder} out of order.`,
)
if (!process.argv.includes('--once')) {
  console.log('The brokers stay until Ctrl-C.')
  await once(process, 'SIGINT')
}
await stop()
await nats.stop()
process.exit(lost.length === 0 ? 0 : 1)
