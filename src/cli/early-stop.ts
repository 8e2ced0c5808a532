/** SIGINT and SIGTERM while the broker's code is still being loaded: nothing has begun, so it ends well. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

function leave(): void {
  process.exit(0)
}

export function answerEarlyStop(): void {
  for (const signal of SIGNALS) process.on(signal, leave)
}

/** Somebody else answers from now on. */
export function forgetEarlyStop(): void {
  for (const signal of SIGNALS) process.removeListener(signal, leave)
}
