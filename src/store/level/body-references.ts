/**
 * How many queue entries refer to each shared body. Bodies are numbered in the order they come and mostly leave in
 * it too, so the counts stand in blocks of an array instead of a map: 4 bytes a body, and a block whose
 * counts are all zero is let go.
 */
const BLOCK_BITS = 12
const BLOCK_SIZE = 1 << BLOCK_BITS

interface Block {
  readonly counts: Uint32Array
  /** Bodies with a count above zero. */
  live: number
}

export class BodyReferences {
  private readonly blocks = new Map<number, Block>()

  get(body: number): number {
    return this.blocks.get(Math.floor(body / BLOCK_SIZE))?.counts[body % BLOCK_SIZE] ?? 0
  }

  add(body: number): void {
    const number = Math.floor(body / BLOCK_SIZE)
    let block = this.blocks.get(number)
    if (block === undefined) {
      block = { counts: new Uint32Array(BLOCK_SIZE), live: 0 }
      this.blocks.set(number, block)
    }
    if (block.counts[body % BLOCK_SIZE]++ === 0) block.live++
  }

  /** One reference less; true: it was the last one. */
  remove(body: number): boolean {
    const number = Math.floor(body / BLOCK_SIZE)
    const block = this.blocks.get(number)
    const at = body % BLOCK_SIZE
    if (block === undefined || block.counts[at] === 0) return false
    if (--block.counts[at] > 0) return false
    if (--block.live === 0) this.blocks.delete(number)
    return true
  }
}
