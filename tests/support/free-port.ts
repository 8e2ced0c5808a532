import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that systems hand out to clients: nobody's outgoing connection is in the way later. */
const LOWEST = 12_000
const HIGHEST = 31_000

const given = new Set<number>()

/** A port of 127.0.0.1 that nobody listens on, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const outcome = Promise.race([
      once(server, 'listening').then(() => true),
      new Promise<boolean>((resolve) => void server.once('error', () => resolve(false))),
    ])
    server.listen(port, '127.0.0.1')
    if (!(await outcome)) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
