/**
 * Connections of one HTTP server from the moment they are given to it. Each may stay for a time that depends on what it
 * does; nobody keeps one by saying little.
 *
 *     first request ── 10 s (the listener's stages) ──▶ request ── 30 s ──▶ answered ── 10 s ──▶ next request
 *                                                         └─▶ live events, WebSocket: for ever
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpPeer } from './source.ts'

const REQUEST_MS_MAX = 30_000
const IDLE_MS_MAX = 10_000

interface Visit<P> {
  readonly peer: P
  /** Sets the ms from now on; 0: for ever. */
  readonly stays: (ms: number) => void
}

export interface Visits<P> {
  take(socket: Socket, peer: P, stays: (ms: number) => void): void
  of(socket: Socket): Visit<P> | undefined
  /** It became something else. */
  release(socket: Socket): void
  closeAll(): void
}

export function createVisits<P extends HttpPeer>(server: Server): Visits<P> {
  const visits = new Map<Socket, Visit<P>>()
  server.on('request', ({ socket }, response) => {
    const stays = visits.get(socket)?.stays
    stays?.(REQUEST_MS_MAX)
    response.once('close', () => {
      if (visits.has(socket)) stays?.(IDLE_MS_MAX)
    })
  })
  return {
    take(socket, peer, stays) {
      visits.set(socket, { peer, stays })
      socket.once('close', () => visits.delete(socket))
      server.emit('connection', socket)
      socket.resume()
    },
    of: (socket) => visits.get(socket),
    release: (socket) => void visits.delete(socket),
    closeAll() {
      for (const socket of visits.keys()) socket.destroy()
    },
  }
}
