/** CPU time of a process, from /proc (Linux): what is judged by it does not depend on what else the machine does. */
import { readFileSync } from 'node:fs'

/** Of /proc: hundredths of a second, everywhere. */
const TICKS_PER_SECOND = 100

/** Of all its threads so far, user and system, ms, to 10 ms. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** Of its first thread so far, ms: where Node runs everything that holds up a client. The system counts in ticks of 4 ms at worst. */
export function firstThreadCpuMsOf(pid: number): number {
  const [runNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')
  return Number(runNs) / 1e6
}
