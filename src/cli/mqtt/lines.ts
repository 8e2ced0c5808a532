/** Standard input line by line, no faster than the lines are taken. */

const NEWLINE = 0x0a

/**
 * The lines of `chunks` without their line feeds, of any length, with every byte in between. What follows the last
 * line feed is a line too, if there is something. A batch holds the lines that one chunk completed.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let pending: Uint8Array[] = []
  for await (const chunk of chunks) {
    const batch: Uint8Array[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end)
      batch.push(pending.length === 0 ? part : Buffer.concat([...pending, part]))
      pending = []
      start = end + 1
    }
    if (start < chunk.length) pending.push(chunk.subarray(start))
    if (batch.length > 0) yield batch
  }
  if (pending.length > 0) yield [Buffer.concat(pending)]
}
