/** Reads a file that a person named, which may be something else than a file. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'

/** How long a pipe may be silent. */
const SILENT_MS_MAX = 2000
const ASK_AGAIN_MS = 10
const CHUNK_BYTES = 65_536
/** Of what has no size: a device may never end. */
const BYTES_MAX = 64 << 20

/**
 * The whole of `file`. It may be a pipe, as in `-c <(make-config)`. To wait without end for what nobody writes would
 * leave the process deaf to signals.
 *
 * @throws the error of the system; one with the code `EPIPE` where nobody writes, `EFBIG` where there is no end.
 */
export function readWhole(file: string): Buffer {
  const isPipe = statSync(file).isFIFO()
  const descriptor = openSync(file, constants.O_RDONLY | (isPipe ? constants.O_NONBLOCK : 0))
  try {
    if (!isPipe && fstatSync(descriptor).isFile()) return readFileSync(descriptor)
    return readToEnd(descriptor, isPipe)
  } finally {
    closeSync(descriptor)
  }
}

function readToEnd(descriptor: number, isPipe: boolean): Buffer {
  const chunks: Buffer[] = []
  let bytes = 0
  let silentSince = performance.now()
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const length = readSome(descriptor, chunk)
    if (length > 0) {
      chunks.push(chunk.subarray(0, length))
      bytes += length
      if (bytes > BYTES_MAX) throw fault('EFBIG', 'it has no end')
      silentSince = performance.now()
      continue
    }
    // No writer yet looks like no writer any more.
    const isOver = length === 0 && (!isPipe || bytes > 0)
    if (isOver) return Buffer.concat(chunks)
    if (performance.now() - silentSince > SILENT_MS_MAX)
      throw fault('EPIPE', 'it is a pipe, and nobody writes into it')
    pause(ASK_AGAIN_MS)
  }
}

/** @returns -1: there is a writer, who has written nothing new. */
function readSome(descriptor: number, into: Buffer): number {
  try {
    return readSync(descriptor, into)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1
    throw error
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function fault(code: string, text: string): Error {
  return Object.assign(new Error(text), { code })
}
