/**
 * Looks for damage that LevelDB itself would pass over: when it opens a store it drops what it cannot read of a
 * log, and takes the index of a table on trust. (Format: doc/table_format.md and doc/impl.md of LevelDB.)
 *
 *     CURRENT ──▶ MANIFEST ──▶ tables in use      the others are left over from a compaction that was cut short
 *                 logs                            all of them are looked at
 *
 *     table  [ data blocks | … | index block | footer { …, where the index is, magic } ]
 */
import { readdirSync, readFileSync, openSync, readSync, closeSync, fstatSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c, masked } from './crc32c.ts'
import { visitRecords } from './log-records.ts'
import { tablesInUse } from './manifest.ts'

const FOOTER = 48
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block of a table: compression, crc32c. */
const TRAILER = 5

/** What is wrong with the files of a store, as `name: what`; null: nothing. */
export function findDamage(location: string): string | null {
  const names = readdirSync(location).sort()
  const inUse = tablesInUse(location)
  for (const name of names) {
    const problem = name.endsWith('.log') ? logProblem(join(location, name)) : null
    if (problem !== null) return `${name}: ${problem}`
  }
  for (const number of inUse ?? []) {
    const file = names.find(
      (name) => /\.(ldb|sst)$/.test(name) && Number.parseInt(name, 10) === number,
    )
    if (file === undefined) return `the table ${number} is missing`
    const problem = tableProblem(join(location, file))
    if (problem !== null) return `${file}: ${problem}`
  }
  return null
}

function logProblem(path: string): string | null {
  const at = visitRecords(readFileSync(path), () => {})
  return at < 0 ? null : `the record at byte ${at} does not match its checksum`
}

function tableProblem(path: string): string | null {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (size < FOOTER) return 'it is shorter than the smallest table'
    const footer = readAt(file, size - FOOTER, FOOTER)
    if (!footer.subarray(FOOTER - TABLE_MAGIC.length).equals(TABLE_MAGIC)) return 'it has no footer'
    const [metaOffset, metaLength, indexOffset, indexLength] = readVarints(footer, 4)
    return (
      blockProblem(file, size, metaOffset, metaLength) ??
      blockProblem(file, size, indexOffset, indexLength)
    )
  } finally {
    closeSync(file)
  }
}

function blockProblem(file: number, size: number, offset: number, length: number): string | null {
  if (!(offset + length + TRAILER <= size - FOOTER)) return 'its footer points outside of it'
  const block = readAt(file, offset, length + TRAILER)
  if (block.readUInt32LE(length + 1) === masked(crc32c(block, 0, length + 1))) return null
  return `the block at byte ${offset} does not match its checksum`
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(file, bytes, 0, length, offset)
  return bytes
}

function readVarints(bytes: Buffer, count: number): number[] {
  const values: number[] = []
  for (let at = 0; values.length < count;) {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    values.push(value)
  }
  return values
}
