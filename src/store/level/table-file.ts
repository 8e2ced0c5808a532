/**
 * A table of LevelDB, read without it (doc/table_format.md of LevelDB). LevelDB takes what it reads on trust, and stops the
 * whole process over some of it; here every block is held against its checksum first.
 *
 *     table   [ data block … | filter block | meta index | index | footer { where both are, zeros, magic } ]
 *     block   contents, compression (1 byte), crc32c (4 bytes)
 *     entry   bytes shared with the key before, more bytes, bytes of the value; key, value
 *     key     the user's, then sequence and kind of operation (8 bytes)
 */
import { ByteCursor } from './byte-cursor.ts'
import { crc32c, finishedCrc, masked, nextCrc, uint32At } from './crc32c.ts'
import { decompress } from './snappy.ts'

const FOOTER = 48
const TABLE_MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)
const TRAILER = 5
const KEY_TAIL = 8
const Compression = { none: 0, snappy: 1 } as const

/** Where a block's contents are; its trailer follows. */
export interface Block {
  readonly start: number
  readonly end: number
}

/** `value` null: the key was deleted. The key is the user's; both are good until `visit` returns. */
export type VisitEntry = (key: Uint8Array, value: Uint8Array | null, sequence: number) => void

/** What is wrong with a table, where it can be said in a few words. */
class TableError extends Error {}

/**
 * What is wrong with a table whose bytes these are; null: nothing. Its blocks must lie one behind the other from its first
 * byte to its last, so there is no bit that is not looked at.
 */
export function tableProblem(bytes: Uint8Array): string | null {
  try {
    const { dataEnd, metaIndex, index } = readFooter(bytes)
    let at = 0
    for (const block of [...dataBlocks(bytes, index), ...metaBlocks(bytes, metaIndex)]) {
      if (block.start !== at) throw new TableError(`no block begins at byte ${at}`)
      checkBlock(bytes, block)
      at = block.end + TRAILER
    }
    if (at !== dataEnd) throw new TableError(`no block begins at byte ${at}`)
    return null
  } catch (error) {
    if (error instanceof TableError) return error.message
    return `what its blocks hold cannot be read: ${(error as Error).message}`
  }
}

/** The highest sequence under which a sound table has `key`; -1: it has not. */
export function sequenceOf(bytes: Uint8Array, key: Uint8Array): number {
  let highest = -1
  const { index } = readFooter(bytes)
  let isBehind = false
  visitIndex(bytes, index, (last, block) => {
    if (isBehind) return
    // Blocks are in the order of keys; `last` is not below any of its block's.
    if (Buffer.compare(last, key) < 0) return
    visitBlock(bytes, block, (each, _value, sequence) => {
      const order = Buffer.compare(each, key)
      if (order === 0 && sequence > highest) highest = sequence
      if (order > 0) isBehind = true
    })
  })
  return highest
}

/** Keys that a block may have had: above `after`, up to `upTo`. */
export interface KeySpan {
  readonly after: Uint8Array
  readonly upTo: Uint8Array
}

/** `keys` null: nothing says which. */
export type LostBlock = (start: number, end: number, keys: KeySpan | null) => void

/**
 * Visits all entries in sound blocks; tells the blocks that are lost. Without an index the blocks are found by their checksums,
 * up to the first that has none; then entries of the index come too, whose values are no records of ours.
 */
export function salvageTable(bytes: Uint8Array, visit: VisitEntry, lost: LostBlock): void {
  const blocks: { block: Block; keys: KeySpan | null }[] = []
  try {
    const { index } = readFooter(bytes)
    let after: Uint8Array = new Uint8Array(0)
    visitIndex(bytes, index, (upTo, block) => {
      blocks.push({ block, keys: { after, upTo } })
      after = upTo
    })
  } catch {
    const found = findBlocks(bytes)
    for (const block of found) blocks.push({ block, keys: null })
    const end = found.length === 0 ? 0 : found[found.length - 1].end + TRAILER
    lost(end, bytes.length, null)
  }
  for (const { block, keys } of blocks) {
    try {
      checkBlock(bytes, block)
      visitBlock(bytes, block, visit)
    } catch {
      lost(block.start, Math.min(bytes.length, block.end + TRAILER), keys)
    }
  }
}

interface Footer {
  readonly metaIndex: Block
  readonly index: Block
  /** Where the index begins. */
  readonly dataEnd: number
}

function readFooter(bytes: Uint8Array): Footer {
  const at = bytes.length - FOOTER
  if (at < 0) throw new TableError('it is shorter than the smallest table')
  const magicAt = bytes.length - TABLE_MAGIC.length
  if (Buffer.compare(bytes.subarray(magicAt), TABLE_MAGIC) !== 0)
    throw new TableError('it has no footer')
  const cursor = new ByteCursor(bytes, at, magicAt)
  const metaIndex = readHandle(cursor)
  const index = readHandle(cursor)
  const zeros = bytes.subarray(cursor.at, magicAt)
  const isWhole =
    index.end + TRAILER === at &&
    metaIndex.end + TRAILER === index.start &&
    zeros.every((byte) => byte === 0)
  if (!isWhole) throw new TableError(`its footer, at byte ${at}, is damaged`)
  checkBlock(bytes, index)
  checkBlock(bytes, metaIndex)
  return { metaIndex, index, dataEnd: metaIndex.start }
}

function readHandle(cursor: ByteCursor): Block {
  const start = cursor.varint()
  return { start, end: start + cursor.varint() }
}

function checkBlock(bytes: Uint8Array, { start, end }: Block): void {
  if (end + TRAILER > bytes.length) throw new TableError(`the block at byte ${start} is cut off`)
  if (uint32At(bytes, end + 1) !== masked(crc32c(bytes, start, end + 1)))
    throw new TableError(`the block at byte ${start} does not match its checksum`)
}

function dataBlocks(bytes: Uint8Array, index: Block): Block[] {
  const blocks: Block[] = []
  visitIndex(bytes, index, (_last, block) => void blocks.push(block))
  return blocks
}

/** The filter of the keys is the only block of its kind. */
function metaBlocks(bytes: Uint8Array, metaIndex: Block): Block[] {
  const blocks: Block[] = []
  visitPairs(contentsOf(bytes, metaIndex), (_name, handle) => {
    blocks.push(readHandle(new ByteCursor(handle)))
  })
  return blocks
}

function visitIndex(
  bytes: Uint8Array,
  index: Block,
  visit: (last: Uint8Array, block: Block) => void,
): void {
  visitPairs(contentsOf(bytes, index), (key, handle) =>
    visit(key.subarray(0, key.length - KEY_TAIL), readHandle(new ByteCursor(handle))),
  )
}

function visitBlock(bytes: Uint8Array, block: Block, visit: VisitEntry): void {
  visitPairs(contentsOf(bytes, block), (key, value) => {
    const length = key.length - KEY_TAIL
    if (length < 0) throw new Error('a key is too short')
    const isPut = key[length] === 1
    const sequence = new ByteCursor(key, length + 1).uint(KEY_TAIL - 1)
    visit(key.subarray(0, length), isPut ? value : null, sequence)
  })
}

function contentsOf(bytes: Uint8Array, { start, end }: Block): Uint8Array {
  const compression = bytes[end]
  if (compression === Compression.none) return bytes.subarray(start, end)
  if (compression === Compression.snappy) return decompress(bytes, start, end)
  throw new Error('a block is compressed in an unknown way')
}

/** Keys and values of a block, whichever kind it is; the places at its end at which keys are whole are passed over. */
function visitPairs(
  contents: Uint8Array,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): void {
  const cursor = new ByteCursor(contents)
  const restarts = new ByteCursor(contents, contents.length - 4).uint(4)
  const end = contents.length - 4 - restarts * 4
  if (end < 0) throw new Error('a block ends too early')
  let key: Uint8Array = new Uint8Array(0)
  while (cursor.at < end) {
    const shared = cursor.varint()
    const more = cursor.varint()
    const valueLength = cursor.varint()
    const rest = cursor.skip(more)
    const value = cursor.skip(valueLength)
    if (shared > key.length || cursor.at > end) throw new Error('a key is damaged')
    const next = new Uint8Array(shared + more)
    next.set(key.subarray(0, shared))
    next.set(contents.subarray(rest, rest + more), shared)
    key = next
    visit(key, contents.subarray(value, value + valueLength))
  }
}

/** Blocks from the start on, each as long as its checksum says, in one pass over the bytes. */
function findBlocks(bytes: Uint8Array): Block[] {
  const blocks: Block[] = []
  let start = 0
  let crc = -1
  for (let end = start; end + TRAILER <= bytes.length; end++) {
    crc = nextCrc(crc, bytes[end])
    if (uint32At(bytes, end + 1) !== masked(finishedCrc(crc))) continue
    blocks.push({ start, end })
    start = end + TRAILER
    end = start - 1
    crc = -1
  }
  return blocks
}
