/**
 * What gives way when memory runs short (`memory_limit`), in this order. Nothing that was acknowledged is
 * ever given up.
 */
export const Pressure = {
  none: 0,
  /** New clients are refused: CONNACK 0x89, below 5.0 a close. */
  refuse: 1,
  /** And QoS 0 waits for nobody: neither for a slow reader nor for an offline session. */
  dropQos0: 2,
  /**
   * And no message is taken in: QoS 0 is dropped, QoS 1 and 2 are refused with 0x97 (a 3.x client, which
   * cannot be told, is disconnected). Who holds most is disconnected, one at a time.
   */
  shed: 3,
} as const

export type PressureLevel = (typeof Pressure)[keyof typeof Pressure]
