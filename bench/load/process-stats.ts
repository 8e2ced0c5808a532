/** What Linux says of a process: CPU seconds and resident memory. */
import { readFileSync } from 'node:fs'

/**
 * Linux reports process times in ticks of USER_HZ, which is 100 on every architecture Node runs on.
 */
const TICKS_PER_SECOND = 100

/** User and system seconds of a process with all its threads; 0 when there is no such process. */
export function cpuSecondsOf(pid: number): number {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  // The command name in parentheses may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : 0
}

/** Resident set size in KiB; 0 when there is no such process. */
export function residentKibOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+)/m.exec(readOrEmpty(`/proc/${pid}/status`))
  return match === null ? 0 : Number(match[1])
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
