/** The process of the publishers: forked by the harness, it outlives every broker. */
import { seeded } from '../sim/world.ts'
import { LedgerClient } from './ledger-client.ts'
import type { ChildSettings, FromChild, ToChild } from './messages.ts'

const PUBLISHERS = 4
const TOPICS = 3
const WINDOW = 20
/** A portion is due this often: fast enough to have always something under way, slow enough for a busy machine. */
const PORTION_MS = 5
const FOR_EVER = 0xffffffff

const settings = JSON.parse(process.argv[2]) as ChildSettings
const random = seeded(settings.seed)
const sent: Record<string, number> = {}
const violations: string[] = []
let isCalm = false
let acknowledged = 0
/** The count of acknowledgements that the harness waits for. */
let progressAt = Infinity

const say = (message: FromChild): void => void process.send?.(message)
const pick = (below: number): number => Math.floor(random() * below)

const clients = Array.from(
  { length: PUBLISHERS },
  (_, n) =>
    new LedgerClient({
      port: settings.port,
      clientId: `publisher ${n}`,
      version: n % 2 === 0 ? 4 : 5,
      expirySeconds: FOR_EVER,
      filter: '',
      qos: settings.qos,
      onDone: noteDone,
      onViolation: (text) => violations.push(text),
    }),
)

function noteDone(): void {
  if (++acknowledged < progressAt) return
  progressAt = Infinity
  say({ kind: 'progressed' })
}

function publishSome(client: LedgerClient, n: number): void {
  for (let count = pick(settings.portion); count > 0 && client.inFlight < WINDOW; count--) {
    const topic = `${settings.prefix}t/${pick(TOPICS)}`
    const stream = `${n} ${topic}`
    const number = (sent[stream] ?? 0) + 1
    sent[stream] = number
    // The payload's length runs from nothing to more than one log block's share of LevelDB.
    const padding = random() < 0.01 ? 'x'.repeat(pick(40_000)) : 'x'.repeat(pick(100))
    client.publish(topic, `${n} ${number} ${padding}`)
  }
  if (random() < 0.05 && client.inFlight < WINDOW) {
    const topic = `${settings.prefix}kept/${n}`
    const stream = `${n} ${topic}`
    sent[stream] = (sent[stream] ?? 0) + 1
    client.publish(topic, `${n} ${sent[stream]} `, true)
  }
  if (random() < 0.002) client.cut()
}

const timer = setInterval(() => {
  if (!isCalm) for (const [n, client] of clients.entries()) publishSome(client, n)
  else if (clients.every(({ inFlight }) => inFlight === 0)) {
    clearInterval(timer)
    say({ kind: 'published', sent, violations })
  }
}, PORTION_MS)

process.on('message', (message: ToChild) => {
  if (message.kind === 'calm') isCalm = true
  else if (message.kind === 'progress') progressAt = acknowledged + message.acknowledged
})
process.on('disconnect', () => process.exit())
say({ kind: 'ready' })
