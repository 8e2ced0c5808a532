/** What tests ask of plain sockets. */
import type { Socket } from 'node:net'

/** Resolves when the connection is over, by FIN or by a reset, as the kernel sees fit; what comes is thrown away. */
export function gone(socket: Socket): Promise<void> {
  // Not by `once`, for which the reset that may come first is a failure.
  socket.on('error', () => {}).resume()
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    // Sockets that keep their own side open are not closed by the peer's end.
    socket.once('end', () => socket.destroy())
  })
}
