import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that systems hand out to clients: nobody's outgoing connection is in the way later. */
const LOWEST = 12_000
const HIGHEST = 31_000

/**
 * Takes the UDP port of this number for as long as this process lives. Between the choice of a port and the broker that
 * listens on it nothing else would say that it is taken, and thousands of choices meet in a run of all tests.
 */
async function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  try {
    await once(socket, 'listening')
  } catch {
    socket.close()
    return false
  }
  socket.unref()
  return true
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

/** A port of 127.0.0.1 that nobody listens on, and that no process of tests was given that still runs. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if ((await claim(port)) && (await isFree(port))) return port
  }
}
