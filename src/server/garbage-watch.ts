/**
 * How much garbage there is in memory, and how much of it `memory_limit` leaves room for. Arrays of clients that have gone,
 * of messages that were refused, are in memory until V8 has looked for them, which it does when as much again has come.
 */
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { memoryUsage } from '../telemetry/memory-usage.ts'

/** What there may be of it in any case, as a share of the limit. */
const GARBAGE_SHARE = 0.025

/** A byte that comes is at most in memory so often: in the packet it is cut of, and in the message that is kept of it. */
const COPIES = 2

/** Nobody waits longer than this for a collection that does not come; then there is a little room at each look. */
const WAIT_MS_MAX = 2000

/**
 * V8 begins a collection, in steps, when 64 MB were allocated outside of its heap since the last one; where as much as half of
 * what its heap may be was, it collects all at once, which stops everybody.
 */
const NUDGE_BYTES = 40 << 20
/** Of them until there is a collection. */
const NUDGED_BYTES_MAX = 3 * NUDGE_BYTES
const NUDGED_HEAP_BYTES_MIN = 1 << 30

/** Bytes of objects, and of buffers outside of the heap (`external` is a collection behind). */
export function usedBytes(): number {
  const { heapUsed, arrayBuffers } = memoryUsage()
  return heapUsed + arrayBuffers
}

type ResizableArrayBuffer = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer

/**
 * Has V8 look for garbage soon. What can be resized is counted as allocated, but is pages that nobody has touched: it takes no
 * memory. Returns its bytes, for a bundler leaves out what nobody asks for.
 */
function nudge(): number {
  if (getHeapStatistics().heap_size_limit < NUDGED_HEAP_BYTES_MIN) return 0
  try {
    const size = { maxByteLength: NUDGE_BYTES }
    return new (ArrayBuffer as ResizableArrayBuffer)(NUDGE_BYTES, size).byteLength
  } catch {
    // There is no address space left for it; then there is a collection without.
    return 0
  }
}

interface GarbageWatch {
  /** Bytes of it at the last look. */
  readonly garbage: number
  /** To be called first; returns how many bytes are in memory that nobody has counted. */
  look(): number
  /**
   * How many bytes may come in large reads until the next look, of a limit of `max`, 0 none, with `used` in use, which so many
   * threads share.
   */
  room(max: number, used: number, sharers?: number): number
}

/** `counted`: bytes that are known to be in memory, beside what there is now. */
export function createGarbageWatch(counted: () => number): GarbageWatch {
  const startBytes = usedBytes()
  let missed = 0
  let garbage = 0
  /** What was in memory at the last look since a collection; -1: that has no more to give back. */
  let settling = -1
  let isCollected = false
  let fullSinceMs = 0
  let nudgedBytes = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[])
      isCollected ||= entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    get garbage() {
      return garbage
    },
    look() {
      const bytes = Math.max(0, usedBytes() - startBytes - counted())
      if (isCollected) {
        fullSinceMs = nudgedBytes = 0
        settling = Infinity
        isCollected = false
      }
      // Arrays that were found to be garbage go a little later, in a thread of V8's.
      const isFalling = bytes < settling
      if (settling >= 0 && !isFalling) missed = settling
      if (settling >= 0) settling = isFalling ? bytes : -1
      // What is least is what is true.
      missed = Math.min(missed, bytes)
      garbage = bytes - missed
      return missed
    },
    room(max, used, sharers = 1) {
      if (max === 0) return Infinity
      const room = Math.max(0, (max - used - garbage) / COPIES / sharers)
      const least = (max * GARBAGE_SHARE) / sharers
      if (garbage < least || room >= least) {
        fullSinceMs = 0
        return Math.max(room, least)
      }
      const nowMs = performance.now()
      if (fullSinceMs === 0) fullSinceMs = nowMs
      if (nudgedBytes < NUDGED_BYTES_MAX) nudgedBytes += nudge()
      return nowMs - fullSinceMs > WAIT_MS_MAX ? least : room
    },
  }
}
