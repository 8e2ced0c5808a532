/** Reads a file that a person named, which may be something else than a file. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'

/** How long a pipe may wait for somebody who writes. */
const NOBODY_MS_MAX = 2000
/** How long whoever writes may take in all. */
const WRITER_MS_MAX = 10_000
const ASK_AGAIN_MS = 10
const CHUNK_BYTES = 65_536
/** Of what has no size: a device may never end. */
const BYTES_MAX = 64 << 20

/**
 * The whole of `file`. It may be a pipe, as in `-c <(make-config)`. To wait without end for what nobody writes would
 * leave the process deaf to signals.
 *
 * @throws the error of the system; one with the code `EPIPE` where nobody writes, or not to an end, `EFBIG` where there
 * is no end.
 */
export function readWhole(file: string, writerMsMax = WRITER_MS_MAX): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(descriptor)
    if (stats.isFile()) return readFileSync(descriptor)
    return readToEnd(descriptor, stats.isFIFO(), writerMsMax)
  } finally {
    closeSync(descriptor)
  }
}

/** The paths of what files there are, by name. Links to nowhere, as c_rehash leaves them behind, are none. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name))
    .filter(isFile)
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function readToEnd(descriptor: number, isPipe: boolean, writerMsMax: number): Buffer {
  const chunks: Buffer[] = []
  let bytes = 0
  // No writer yet looks like no writer any more.
  let hadWriter = !isPipe
  const beganMs = performance.now()
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const length = readSome(descriptor, chunk)
    if (length === 0 && hadWriter) return Buffer.concat(chunks)
    hadWriter ||= length !== 0
    if (length > 0) {
      chunks.push(chunk.subarray(0, length))
      bytes += length
      if (bytes > BYTES_MAX) throw fault('EFBIG', 'it has no end')
    }
    const waitedMs = performance.now() - beganMs
    if (!hadWriter && waitedMs > NOBODY_MS_MAX)
      throw fault('EPIPE', 'it is a pipe, and nobody writes into it')
    if (hadWriter && waitedMs > writerMsMax)
      throw fault('EPIPE', 'it is a pipe, and whoever writes into it does not come to an end')
    if (length <= 0) pause(ASK_AGAIN_MS)
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
