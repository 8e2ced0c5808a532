/** The limit of open files. */
import { readFileSync } from 'node:fs'

/** How many files and sockets this process may have open; 0: no limit, or none that can be read. */
export function fileDescriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return Number(soft ?? 0)
  } catch {
    return 0
  }
}
