/** Which tables a store of LevelDB consists of: the sum of the edits in its manifest (doc/impl.md of LevelDB). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecordType, visitRecords } from './log-records.ts'

/** What an edit consists of, by its tag. */
const Tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const

export interface Manifest {
  /** Numbers of the tables in use. */
  readonly tables: Set<number>
  /** Logs with lower numbers are in the tables. */
  firstLog: number
}

/** Numbers of the tables in use; null: there is no manifest, or none that can be read: LevelDB will say so. */
export function tablesInUse(location: string): Set<number> | null {
  try {
    const name = readFileSync(join(location, 'CURRENT'), 'utf8').trim()
    return readManifest(readFileSync(join(location, name))).tables
  } catch {
    return null
  }
}

/** @throws Error on an edit that cannot be read. */
export function readManifest(bytes: Uint8Array): Manifest {
  const manifest: Manifest = { tables: new Set(), firstLog: 0 }
  let parts: Uint8Array[] = []
  visitRecords(bytes, (type, start, end) => {
    if (type === RecordType.full || type === RecordType.first) parts = []
    parts.push(bytes.subarray(start, end))
    if (type === RecordType.full || type === RecordType.last)
      applyEdit(Buffer.concat(parts), manifest)
  })
  return manifest
}

function applyEdit(edit: Uint8Array, manifest: Manifest): void {
  const { tables } = manifest
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      if (at >= edit.length) throw new Error('an edit ends too early')
      const byte = edit[at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  const skipText = (): void => {
    const length = varint()
    at += length
  }
  const readers: Readonly<Record<number, () => void>> = {
    [Tag.comparator]: skipText,
    [Tag.logNumber]: () => void (manifest.firstLog = varint()),
    [Tag.nextFile]: varint,
    [Tag.lastSequence]: varint,
    [Tag.previousLog]: varint,
    [Tag.compactPointer]: () => {
      varint()
      skipText()
    },
    [Tag.deletedFile]: () => {
      varint()
      tables.delete(varint())
    },
    [Tag.newFile]: () => {
      varint()
      tables.add(varint())
      varint()
      skipText()
      skipText()
    },
  }
  while (at < edit.length) {
    const read = readers[varint()]
    if (read === undefined) throw new Error('an edit has an unknown part')
    read()
  }
}
