/**
 * What a record of LevelDB's log holds: one batch (write_batch.cc of LevelDB).
 *
 *     sequence (8 bytes)  count (4 bytes)  operations { 1 key value | 0 key }
 *
 * Operations are numbered through the life of a store, so each batch begins where the one before ended.
 */
import { ByteCursor } from './byte-cursor.ts'

const HEAD = 12
const SEQUENCE_BYTES = 8
const Operation = { delete: 0, put: 1 } as const

export interface BatchHead {
  /** Of its first operation. */
  readonly sequence: number
  /** Of the first operation of the next batch. */
  readonly next: number
}

/** @throws Error when it is too short. */
export function batchHead(record: Uint8Array): BatchHead {
  const cursor = new ByteCursor(record)
  const sequence = cursor.uint(SEQUENCE_BYTES)
  return { sequence, next: sequence + cursor.uint(HEAD - SEQUENCE_BYTES) }
}

/** Could `bytes[start..end)` be the head of a batch that comes after `expected`, and not long after? */
export function couldBeBatch(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: number,
): boolean {
  if (end - start < HEAD) return false
  const sequence = new ByteCursor(bytes, start, end).uint(SEQUENCE_BYTES)
  // What lies between takes at least a byte an operation.
  return sequence > expected && sequence <= expected + bytes.length
}

/** Tells each operation in turn; `value` null: the key was deleted. @throws Error when it cannot be read. */
export function visitOperations(
  record: Uint8Array,
  visit: (key: Uint8Array, value: Uint8Array | null, sequence: number) => void,
): void {
  const { sequence, next } = batchHead(record)
  const cursor = new ByteCursor(record, HEAD)
  for (let each = sequence; each < next; each++) {
    const operation = cursor.byte()
    const key = cursor.text()
    if (operation === Operation.put) visit(key, cursor.text(), each)
    else if (operation === Operation.delete) visit(key, null, each)
    else throw new Error('an operation is unknown')
  }
  if (cursor.at !== cursor.end) throw new Error('it is longer than its operations')
}
