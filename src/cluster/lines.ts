/** Many lines as bytes and back, with time for others in between. */
import { setImmediate } from 'node:timers/promises'

/** So long nobody else's turn comes. */
const TURN_MS = 10
const LINE_END = 10

/** Runs `take` for each, a turn's worth at a time. */
export async function inTurns<T>(items: Iterable<T>, take: (item: T) => void): Promise<void> {
  let startMs = performance.now()
  for (const item of items) {
    take(item)
    if (performance.now() - startMs < TURN_MS) continue
    await setImmediate()
    startMs = performance.now()
  }
}

/** Lines behind each other, cut where a part would be longer than `bytesMax`. */
export async function gatherLines(
  lines: Iterable<string>,
  bytesMax: number,
): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  let open: Uint8Array[] = []
  let length = 0
  const close = (): void => {
    if (length > 0) parts.push(Buffer.concat(open))
    open = []
    length = 0
  }
  await inTurns(lines, (line) => {
    let bytes: Uint8Array = Buffer.from(line)
    while (length + bytes.length > bytesMax) {
      const room = bytesMax - length
      open.push(bytes.subarray(0, room))
      length += room
      bytes = bytes.subarray(room)
      close()
    }
    open.push(bytes)
    length += bytes.length
  })
  close()
  return parts
}

/** The lines of such bytes, without their ends. */
export function* linesOf(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < buffer.length;) {
    const found = buffer.indexOf(LINE_END, at)
    const end = found < 0 ? buffer.length : found
    yield buffer.toString('utf8', at, end)
    at = end + 1
  }
}
