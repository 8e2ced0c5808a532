/**
 * How far a store was safe, in a file of its own beside LevelDB's: a log whose end is missing looks like one that was never
 * written, so something else must know. Written behind every group, a moment later; on the disk when the store is opened
 * and closed, and every few seconds. It never says more than what the disk has: it follows the sync, and may lag behind.
 *
 *     [ slot: text, crc | zeros ][ slot … ]   written in turn, each in a sector of its own; the higher sound one counts
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  write,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

export const MARKER_FILE = 'SAFE'

const SLOT = 512
const FILE_MODE = 0o600
/** A note is written when the one before is this old. */
const WRITE_EVERY_MS = 10
const SYNC_EVERY_MS = 5000

export interface Marker {
  /** All up to this sequence is on the disk. Returns at once. */
  note(sequence: number): void
  /** Writes and syncs what was noted, and gives the file back. */
  close(): void
}

/** The sequence up to which all is safe. */
export function readMarker(location: string): number | 'missing' | 'damaged' {
  const path = join(location, MARKER_FILE)
  if (!existsSync(path)) return 'missing'
  const text = readFileSync(path, 'latin1')
  const sequence = Math.max(sequenceIn(text.slice(0, SLOT)), sequenceIn(text.slice(SLOT)))
  return sequence < 0 ? 'damaged' : sequence
}

function sequenceIn(slot: string): number {
  const [, text = '', sequence, crc] = /^(safe up to (\d+) )([0-9a-f]{8})\n/.exec(slot) ?? []
  return crc === checksum(text) ? Number(sequence) : -1
}

function slotOf(sequence: number): Buffer {
  const slot = Buffer.alloc(SLOT)
  const text = `safe up to ${sequence} `
  slot.write(`${text}${checksum(text)}\n`, 'latin1')
  return slot
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')

/** Begins to mark a store in which all up to `sequence` is on the disk. */
export function openMarker(location: string, sequence: number): Marker {
  const path = join(location, MARKER_FILE)
  const file = openSync(path, existsSync(path) ? 'r+' : 'wx+', FILE_MODE)
  try {
    writeSync(file, Buffer.concat([slotOf(sequence), slotOf(sequence)]), 0, 2 * SLOT, 0)
    fdatasyncSync(file)
    syncDirectory(location)
    return new FileMarker(file, sequence)
  } catch (error) {
    // On a full disk it is tried again and again.
    closeSync(file)
    throw error
  }
}

function syncDirectory(path: string): void {
  // Windows opens no directories, and keeps the names of files that are synced.
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

class FileMarker implements Marker {
  private readonly file: number
  private noted: number
  private written: number
  private slot = 0
  private busy = false
  private closed = false
  private timer: NodeJS.Timeout | null = null
  private writtenAtMs = 0
  private syncedAtMs = performance.now()

  constructor(file: number, sequence: number) {
    this.file = file
    this.noted = sequence
    this.written = sequence
  }

  note(sequence: number): void {
    this.noted = sequence
    this.writeSoon()
  }

  private writeSoon(): void {
    if (this.busy || this.closed || this.timer !== null || this.noted === this.written) return
    const leftMs = this.writtenAtMs + WRITE_EVERY_MS - performance.now()
    if (leftMs <= 0) return this.write()
    this.timer = setTimeout(() => {
      this.timer = null
      this.write()
    }, leftMs).unref()
  }

  private write(): void {
    this.busy = true
    this.written = this.noted
    this.writtenAtMs = performance.now()
    write(this.file, slotOf(this.noted), 0, SLOT, this.nextSlot(), () => {
      const isDue = this.writtenAtMs - this.syncedAtMs > SYNC_EVERY_MS
      if (!isDue || this.closed) return this.wrote()
      this.syncedAtMs = this.writtenAtMs
      fdatasync(this.file, () => this.wrote())
    })
  }

  /** A failed write is no matter here: what cannot be written the store itself says. */
  private wrote(): void {
    this.busy = false
    if (this.closed) closeSync(this.file)
    else this.writeSoon()
  }

  private nextSlot(): number {
    this.slot = SLOT - this.slot
    return this.slot
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    if (this.timer !== null) clearTimeout(this.timer)
    try {
      writeSync(this.file, slotOf(this.noted), 0, SLOT, this.nextSlot())
      fdatasyncSync(this.file)
    } catch {
      // As above.
    }
    if (!this.busy) closeSync(this.file)
  }
}
