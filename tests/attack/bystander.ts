/**
 * A client that does nothing but ping, in a thread of its own: how long its PINGRESP takes is what an attack on
 * somebody else costs everybody. Also where its worker begins.
 *
 * Two times of each wait: by the clock, which other work on the machine makes longer, and what of it the broker's
 * own thread computed, which is nobody's doing but the broker's.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { firstThreadCpuMsOf } from '../support/cpu.ts'

/** ms between two pings, from the answer to the next. */
const PING_EVERY_MS = 5

const CONNECT = Buffer.from('100e00044d5154540402000000026279', 'hex')
const PINGREQ = Buffer.from('c000', 'hex')

/** The longest waits for a PINGRESP, ms, not of the same ping perhaps. */
export interface Wait {
  readonly clockMs: number
  /** CPU time of the broker's first thread meanwhile. */
  readonly cpuMs: number
}

export interface Bystander {
  /** The longest since the last call; one still under way counts. */
  worst(): Promise<Wait>
  stop(): Promise<void>
}

interface Place {
  readonly port: number
  /** The broker's process. */
  readonly pid: number
}

export async function startBystander({ port, pid }: Place): Promise<Bystander> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, pid } })
  await once(worker, 'message')
  return {
    async worst() {
      worker.postMessage('worst')
      const [worst] = (await once(worker, 'message')) as [Wait]
      return worst
    },
    stop: async () => void (await worker.terminate()),
  }
}

function run({ port, pid }: Place): void {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let sentMs = 0
  let sentCpuMs = 0
  let worst: Wait = { clockMs: 0, cpuMs: 0 }
  let connected = false
  let lost = false
  const ping = (): void => {
    sentMs = performance.now()
    sentCpuMs = firstThreadCpuMsOf(pid)
    socket.write(PINGREQ)
  }
  const note = (): void => {
    if (sentMs === 0 || lost) return
    worst = {
      clockMs: Math.max(worst.clockMs, performance.now() - sentMs),
      cpuMs: Math.max(worst.cpuMs, firstThreadCpuMsOf(pid) - sentCpuMs),
    }
  }
  socket.write(CONNECT)
  socket.on('data', () => {
    if (connected) note()
    else parentPort?.postMessage('ready')
    connected = true
    sentMs = 0
    setTimeout(ping, PING_EVERY_MS)
  })
  const lose = (): void => {
    lost = true
    worst = { clockMs: Infinity, cpuMs: Infinity }
  }
  socket.on('error', lose).on('close', lose)
  parentPort?.on('message', () => {
    note()
    parentPort?.postMessage(worst)
    if (!lost) worst = { clockMs: 0, cpuMs: 0 }
  })
}

if (!isMainThread) run(workerData as Place)
