/**
 * The longest waits of all tests. They only end what hangs: nothing is judged by them, so a machine with other work
 * may take its time. `MOZZIE_TEST_PATIENCE` is a factor for machines that are slower still.
 */
import { availableParallelism, loadavg } from 'node:os'

export const patience = Number(process.env['MOZZIE_TEST_PATIENCE'] ?? 1)

/** For a packet, a line of a log, anything that takes milliseconds where nothing else runs. */
export const waitMsMax = 60_000 * patience

/** For a process to start, or to do its work and end. */
export const processMsMax = 180_000 * patience

/** For one test. */
export const testMsMax = 900_000 * patience

const LOAD_OF_A_RUN = 3

/**
 * A lease, or what is measured against one, from what suffices on a quiet machine: a node that gets no processor for as long
 * as its lease ends itself, as it should, and the test is not about that.
 */
export function atThisLoad(seconds: number): number {
  const share = loadavg()[0] / availableParallelism() / LOAD_OF_A_RUN
  return Math.ceil(seconds * patience * Math.min(4, Math.max(1, share)))
}

const attemptsMax = 40

/**
 * The least of what `measure` returns, asked until it is at most `bound`. A busy machine is late now and then, what is
 * slow is late each time.
 */
export async function leastOf(bound: number, measure: () => Promise<number>): Promise<number> {
  let least = Infinity
  for (let attempt = 0; attempt < attemptsMax && least > bound; attempt++)
    least = Math.min(least, await measure())
  return least
}
