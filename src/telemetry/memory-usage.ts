/** What memory the process uses; also when there is no file descriptor left to ask the system with. */

let last: NodeJS.MemoryUsage = { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }

/** As `process.memoryUsage()`, which throws EMFILE where `/proc` cannot be opened: then what it said before. */
export function memoryUsage(): NodeJS.MemoryUsage {
  try {
    last = process.memoryUsage()
  } catch (error) {
    if (!isOutOfFiles(error)) throw error
  }
  return last
}

function isOutOfFiles(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}
