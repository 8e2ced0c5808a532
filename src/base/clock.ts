/** Time as the core sees it. The server gives real clocks, tests and the simulator virtual ones. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. For timeouts and rates. */
  monotonicMs(): number
  /** Milliseconds since 1970 (UTC); may jump. Only for what must survive a restart: expiries. */
  wallMs(): number
}
