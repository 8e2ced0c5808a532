/**
 * What gives way when memory runs short (`memory_limit`), in this order. Nothing that was acknowledged is
 * ever given up.
 */
export const Pressure = {
  none: 0,
  /** New clients are refused: CONNACK 0x89, below 5.0 a close. */
  refuse: 1,
  /**
   * And QoS 0 waits for nobody: neither for a slow reader nor for an offline session. Nothing is begun that would
   * stay: subscriptions are refused with 0x97, who sets a topic alias is disconnected.
   */
  dropQos0: 2,
  /**
   * And no message is taken in: QoS 0 is dropped, QoS 1 and 2 are refused with 0x97 (a 3.x client, which
   * cannot be told, is disconnected). Who holds most is disconnected, one at a time.
   */
  shed: 3,
  /** And who sends a packet of more than 64 KB in pieces is disconnected: there is no room to refuse it in. */
  beyond: 4,
} as const

export type PressureLevel = (typeof Pressure)[keyof typeof Pressure]

/** Shares of the limit at which something gives way, the highest first. */
const STEPS: readonly (readonly [share: number, level: PressureLevel])[] = [
  [1.05, Pressure.beyond],
  [1, Pressure.shed],
  [0.9, Pressure.dropQos0],
  [0.8, Pressure.refuse],
]

/** The level at `used` of `limit` bytes, and from how many on it is a higher one. */
export function pressureOf(used: number, limit: number): [level: PressureLevel, next: number] {
  let next = Infinity
  for (const [share, level] of STEPS) {
    if (used >= limit * share) return [level, next]
    next = limit * share
  }
  return [Pressure.none, next]
}
