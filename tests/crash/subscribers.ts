/** The process of the subscribers: forked by the harness, it outlives every broker. */
import { seeded } from '../sim/world.ts'
import { LedgerClient } from './ledger-client.ts'
import { startLeavers } from './leavers.ts'
import { Ledger } from './ledger.ts'
import type { ChildSettings, FromChild, LastNumbers, ToChild } from './messages.ts'

const FOR_EVER = 0xffffffff
const TROUBLE_MS = 50

const settings = JSON.parse(process.argv[2]) as ChildSettings
const random = seeded(settings.seed + 1)
const violations: string[] = []
let isCalm = false
let lastNewsMs = performance.now()

const say = (message: FromChild): void => void process.send?.(message)

/** Online all the time, now and then away, away for long. */
const ABSENCE = { steady: 0, restless: 0.02, sleeper: 0.1 } as const
const RETURN = { steady: 1, restless: 0.5, sleeper: 0.02 } as const
type Habit = keyof typeof ABSENCE

const ledgers = new Map<string, Ledger>()
const clients = (['steady', 'restless', 'sleeper'] as const).map((habit: Habit, n) => {
  const ledger = new Ledger()
  ledgers.set(habit, ledger)
  const client = new LedgerClient({
    port: settings.port,
    clientId: habit,
    version: n % 2 === 0 ? 5 : 4,
    expirySeconds: FOR_EVER,
    filter: `${settings.prefix}#`,
    qos: settings.qos,
    onMessage(topic, payload, retain) {
      // What a repeated SUBSCRIBE brings is not a delivery.
      if (retain) return
      const [publisher, number] = payload.split(' ')
      ledger.note(`${publisher} ${topic}`, Number(number))
      lastNewsMs = performance.now()
    },
    onViolation: (text) => violations.push(text),
  })
  return { habit, client }
})

/** Sessions that come, queue a little, and expire: the store clears away behind them. */
const mayflies = Array.from(
  { length: 3 },
  (_, n) =>
    new LedgerClient({
      port: settings.port,
      clientId: `mayfly ${n}`,
      version: 5,
      expirySeconds: 1,
      filter: 't/#',
      qos: settings.qos,
      onViolation: (text) => violations.push(text),
    }),
)

startLeavers({ port: settings.port, qos: settings.qos, random, isCalm: () => isCalm })

setInterval(() => {
  for (const { habit, client } of clients) {
    if (isCalm || random() < RETURN[habit]) client.comeBack()
    else if (random() < ABSENCE[habit]) client.stayAway()
  }
  for (const mayfly of mayflies) {
    if (isCalm) mayfly.stayAway()
    else if (random() < 0.05) mayfly.comeBack()
    else if (random() < 0.1) mayfly.stayAway()
  }
}, TROUBLE_MS)

function awaitAll(sent: LastNumbers): void {
  const timer = setInterval(() => {
    const missing = [...ledgers].map(([name, ledger]) => ({
      name,
      ledger,
      lost: ledger.missing(sent),
    }))
    const isDone = missing.every(({ lost }) => lost.length === 0)
    if (!isDone && performance.now() - lastNewsMs < settings.silenceMs) return
    clearInterval(timer)
    const bySubscriber = Object.fromEntries(
      missing.map(({ name, ledger, lost }) => {
        const counts = (stream: string): boolean => settings.keptOnce || !stream.includes('kept/')
        return [name, { ...ledger.figures(), twice: ledger.twiceOf(counts), lost }]
      }),
    )
    say({ kind: 'received', bySubscriber, violations })
  }, TROUBLE_MS)
}

process.on('message', (message: ToChild) => {
  if (message.kind === 'calm') isCalm = true
  else if (message.kind === 'expect') {
    lastNewsMs = performance.now()
    awaitAll(message.sent)
  }
})
process.on('disconnect', () => process.exit())
const starting = setInterval(() => {
  if (!clients.every(({ client }) => client.ready)) return
  clearInterval(starting)
  say({ kind: 'ready' })
}, 10)
