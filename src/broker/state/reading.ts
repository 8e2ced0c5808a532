/** Whether a client is read from. The flag and the link go together, so only this file sets either. */
import type { Connection } from './model.ts'

export function stopReading(connection: Connection): void {
  connection.paused = true
  connection.link.pause()
}

export function readOn(connection: Connection): void {
  connection.paused = false
  connection.link.resume()
}
