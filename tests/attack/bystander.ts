/**
 * A client that does nothing but ping, in a thread of its own: how long its PINGRESP takes is what an attack on
 * somebody else costs everybody. Also where its worker begins.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** ms between two pings, from the answer to the next. */
const PING_EVERY_MS = 5

const CONNECT = Buffer.from('100e00044d5154540402000000026279', 'hex')
const PINGREQ = Buffer.from('c000', 'hex')

export interface Bystander {
  /** The longest wait for a PINGRESP since the last call, in ms; one still under way counts. */
  worstMs(): Promise<number>
  stop(): Promise<void>
}

export async function startBystander(port: number): Promise<Bystander> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port } })
  await once(worker, 'message')
  return {
    async worstMs() {
      worker.postMessage('worst')
      const [worst] = (await once(worker, 'message')) as [number]
      return worst
    },
    stop: async () => void (await worker.terminate()),
  }
}

function run(port: number): void {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let sentMs = 0
  let worstMs = 0
  let connected = false
  const ping = (): void => {
    sentMs = performance.now()
    socket.write(PINGREQ)
  }
  socket.write(CONNECT)
  socket.on('data', () => {
    if (connected) worstMs = Math.max(worstMs, performance.now() - sentMs)
    else parentPort?.postMessage('ready')
    connected = true
    sentMs = 0
    setTimeout(ping, PING_EVERY_MS)
  })
  const lost = (): void => void (worstMs = Infinity)
  socket.on('error', lost).on('close', lost)
  parentPort?.on('message', () => {
    const underWayMs = sentMs === 0 ? 0 : performance.now() - sentMs
    parentPort?.postMessage(Math.max(worstMs, underWayMs))
    worstMs = 0
  })
}

if (!isMainThread) run((workerData as { port: number }).port)
