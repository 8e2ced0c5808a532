/** The stores as a process of their own: connects every AP, does as it is told (`SimulatorOrder`), and says how it is. */
import { readFileSync } from 'node:fs'
import { apName, type Fleet } from '../model/fleet.ts'
import { readPasswords } from '../model/passwords.ts'
import { AccessPoint } from './access-point.ts'
import type { ShelfOptions } from './shelf.ts'

export interface SimulatorOptions {
  readonly url: string
  readonly caFile: string
  /** `model/passwords.ts`. */
  readonly passwordFile: string
  readonly fleet: Fleet
  readonly shelf: Omit<ShelfOptions, 'random'>
}

/** What the parent process may say. */
export type SimulatorOrder = { readonly drop: number; readonly downMs: number } | 'report'

export interface SimulatorReport {
  readonly connected: number
  readonly shown: number
  readonly failed: number
  /** When the last tag showed what it was told: wall clock, ms. */
  readonly lastShownMs: number
  readonly cpuMs: number
  readonly rssBytes: number
}

/** So many connections are opened at a time. */
const OPENING_MAX = 50

export async function startSimulator(options: SimulatorOptions): Promise<AccessPoint[]> {
  const { url, fleet, shelf } = options
  const ca = readFileSync(options.caFile, 'utf8')
  const passwords = readPasswords(options.passwordFile)
  const places = Array.from({ length: fleet.stores * fleet.apsPerStore }, (_, at) => ({
    store: Math.floor(at / fleet.apsPerStore) + 1,
    ap: (at % fleet.apsPerStore) + 1,
  }))
  const aps: AccessPoint[] = []
  const next = places.values()
  const openSome = async (): Promise<void> => {
    for (const { store, ap } of next) {
      const password = passwords.get(apName(store, ap)) ?? ''
      const point = new AccessPoint({
        url,
        ca,
        password,
        store,
        ap,
        fleet,
        shelf: { ...shelf, random: Math.random },
      })
      aps.push(point)
      await point.ready
    }
  }
  await Promise.all(Array.from({ length: OPENING_MAX }, openSome))
  return aps
}

export function reportOf(aps: readonly AccessPoint[]): SimulatorReport {
  const { user, system } = process.cpuUsage()
  const sum = (of: (ap: AccessPoint) => number): number => aps.reduce((all, ap) => all + of(ap), 0)
  return {
    connected: sum((ap) => (ap.isConnected ? 1 : 0)),
    shown: sum((ap) => ap.shownCount),
    failed: sum((ap) => ap.failedCount),
    lastShownMs: Math.max(0, ...aps.map((ap) => ap.lastShownMs)),
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
  }
}

/** A share of the APs loses its connection, each for its own while. */
export function dropSome(aps: readonly AccessPoint[], share: number, downMs: number): void {
  for (const ap of aps) if (Math.random() < share) void ap.drop(downMs * (0.5 + Math.random()))
}

function serveParent(aps: readonly AccessPoint[]): void {
  process.on('message', (order: SimulatorOrder) => {
    if (order === 'report') process.send?.(reportOf(aps))
    else dropSome(aps, order.drop, order.downMs)
  })
  process.send?.(reportOf(aps))
}

const [given] = process.argv.slice(2)
if (given !== undefined && process.send !== undefined) {
  process.on('disconnect', () => process.exit())
  serveParent(await startSimulator(JSON.parse(given) as SimulatorOptions))
}
