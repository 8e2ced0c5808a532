/** What gzip, zlib and raw deflate packed. */
import { DecodeError } from './lines.ts'

export type Packing = 'gzip' | 'deflate' | 'deflate-raw'

/** A few bytes may unpack to very many. */
export const UNPACKED_BYTES_MAX = 32 << 20

/** More is packed than anybody is to have. */
export class TooMuchError extends DecodeError {}

/** The three bytes that gzip begins with. */
export function isGzip([first, second, method]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b && method === 8
}

/** The two bytes that zlib begins with: a window of 32 KiB, no dictionary, and a check of both. */
export function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return first === 0x78 && (second & 0x20) === 0 && ((first << 8) | second) % 31 === 0
}

/** What packed these bytes, as they begin; raw deflate begins with anything. */
export function packingOf(bytes: Uint8Array): Packing {
  return isGzip(bytes) ? 'gzip' : isZlib(bytes) ? 'deflate' : 'deflate-raw'
}

/** A browser unpacks all that it is handed before it gives any of it out: in small pieces a bomb is stopped early. */
const PIECE_BYTES = 4096

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0
  const pull = (out: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): void => {
    if (at < bytes.length) out.enqueue(bytes.slice(at, (at += PIECE_BYTES)))
    else out.close()
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}

/** Rejects with TooMuchError when it is more than `bytesMax`, with DecodeError when nothing was packed so. */
export async function unpack(
  bytes: Uint8Array,
  packing: Packing = packingOf(bytes),
  bytesMax = UNPACKED_BYTES_MAX,
): Promise<Uint8Array> {
  const reader = inPieces(bytes).pipeThrough(new DecompressionStream(packing)).getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
      length += value.length
      if (length > bytesMax) break
    }
  } catch (error) {
    throw new DecodeError(`${packing}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (length <= bytesMax) return new Uint8Array(await new Blob(parts).arrayBuffer())
  await reader.cancel()
  throw new TooMuchError(`${packing}: more than ${bytesMax >> 20} MiB`)
}
