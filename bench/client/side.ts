/**
 * The measured process: clients of one library. `side.js LIBRARY receive|publish QOS PORT`. It tells its parent how
 * many messages it has had, and ends when the parent says so.
 */
import { RECEIVERS, openLibrary, type LibraryName } from './libraries.ts'

/** The parent lets this many more be under way than it was told of, so being told late costs nothing. */
const REPORT_EVERY = 500
const PUBLISH_WINDOW = 1_000
const PAYLOAD_BYTES = 64

const [name, role, qosText, portText] = process.argv.slice(2)
const qos = qosText === '1' ? 1 : 0
const isReceiver = role === 'receive'
const clients = await Promise.all(
  Array.from({ length: isReceiver ? RECEIVERS : 1 }, () =>
    openLibrary(name as LibraryName, Number(portText)),
  ),
)

let count = 0
function counted(): void {
  if (++count % REPORT_EVERY !== 0) return
  const { user, system } = process.cpuUsage()
  process.send?.([count, user + system])
}

async function publishForEver(): Promise<void> {
  const payload = Buffer.alloc(PAYLOAD_BYTES)
  for (;;) {
    await clients[0].publish('bench/client', payload, qos)
    counted()
  }
}

process.once('message', () => {
  void Promise.all(clients.map((client) => client.end())).finally(() => process.exit(0))
})

if (isReceiver) for (const client of clients) await client.subscribe('bench/client', qos, counted)
process.send?.('ready')
if (!isReceiver) {
  // At QoS 0 one after the other, as the network takes them; at QoS 1 a window of them.
  const writers = qos === 0 ? 1 : PUBLISH_WINDOW
  await Promise.all(Array.from({ length: writers }, publishForEver))
}
