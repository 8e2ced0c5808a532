/** Durable sessions under load: what an acknowledgement that waits for the disk costs. */
import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connectFrame } from './load/frames.ts'

const SYNCS = 1000
const BLOCK = Buffer.alloc(4096)
const CONNACK = 0x20
const LIMIT_MS = 120_000

/** What putting 4 KiB on this disk takes, in µs: no acknowledgement of something durable can be faster. */
export function syncTimesUs(directory: string): { readonly p50: number; readonly p99: number } {
  const path = join(directory, 'fdatasync')
  const file = openSync(path, 'w')
  const times = Array.from({ length: SYNCS }, () => {
    writeSync(file, BLOCK)
    const startedMs = performance.now()
    fdatasyncSync(file)
    return (performance.now() - startedMs) * 1000
  })
  closeSync(file)
  unlinkSync(path)
  times.sort((a, b) => a - b)
  return { p50: times[SYNCS * 0.5], p99: times[SYNCS * 0.99] }
}

/** Connects once and waits for the answer. */
export async function untilConnack(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no CONNACK')))
  socket.write(connectFrame(4, 'bench-restart', true))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  if (answer[0] !== CONNACK || answer[3] !== 0) throw new Error('CONNECT was refused')
}
