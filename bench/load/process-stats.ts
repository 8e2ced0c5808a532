/** What Linux says of a process: CPU seconds and resident memory. */
import { readdirSync, readFileSync } from 'node:fs'

const NANOSECONDS = 1e9

/**
 * Seconds on a processor of a process with all threads that it has now; 0 when there is no such process. By the scheduler's
 * nanoseconds (proc(5), `schedstat`): `stat` has steps of 10 ms, as much as 1000 messages cost.
 */
export function cpuSecondsOf(pid: number): number {
  let nanoseconds = 0
  for (const task of threadsOf(pid))
    nanoseconds += Number(readOrEmpty(`/proc/${pid}/task/${task}/schedstat`).split(' ', 1)[0])
  return nanoseconds / NANOSECONDS
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
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
