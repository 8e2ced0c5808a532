/** The load of TLS handshakes. */
import { once } from 'node:events'
import { connect, createSecureContext } from 'node:tls'
import { connectFrame, type ProtocolVersion } from './frames.ts'
import { cpuSecondsOf } from './process-stats.ts'

export interface HandshakeOptions {
  readonly port: number
  readonly brokerPid: number
  readonly version: ProtocolVersion
  /** Connections under way at a time. */
  readonly concurrent: number
  readonly seconds: number
}

const CONNACK = 0x20
const LIMIT_MS = 10_000
/** One for all: to make it takes longer than a handshake. Sessions are not resumed. */
const secureContext = createSecureContext()

/** Connects again and again, each time with a whole handshake, up to the CONNACK. */
export async function runHandshakes(options: HandshakeOptions): Promise<object> {
  const { brokerPid, concurrent, seconds } = options
  let done = 0
  let failed = 0
  const startedCpu = cpuSecondsOf(brokerPid)
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1000
  const worker = async (name: string): Promise<void> => {
    for (let serial = 0; performance.now() < endMs; serial++) {
      if (await connectOnce(options, `${name}-${serial}`)) done++
      else failed++
    }
  }
  await Promise.all(Array.from({ length: concurrent }, (_, index) => worker(`tls${index}`)))
  const elapsed = (performance.now() - startedMs) / 1000
  const cpuUs = (cpuSecondsOf(brokerPid) - startedCpu) * 1e6
  return {
    rate: Math.round(done / elapsed),
    broker_cpu_us: Math.round(cpuUs / Math.max(1, done)),
    failed,
  }
}

async function connectOnce(options: HandshakeOptions, clientId: string): Promise<boolean> {
  const { port, version } = options
  const socket = connect({ host: '127.0.0.1', port, secureContext, rejectUnauthorized: false })
  socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no CONNACK')))
  try {
    socket.write(connectFrame(version, clientId, true))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer[0] === CONNACK && answer[3] === 0
  } catch {
    return false
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}
