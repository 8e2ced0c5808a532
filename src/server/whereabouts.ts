/** Who is connected to which other thread, as that told. */
import type { Broker } from '../broker/broker.ts'
import type { Identity } from '../ports/ports.ts'

type ConnectionsByUser = ReturnType<Broker['connectionsByUser']>

export class Whereabouts {
  /** By thread and client id. */
  private readonly threads = new Map<number, Map<string, Identity>>()

  connected(thread: number, who: Identity): void {
    const clients = this.threads.get(thread) ?? new Map<string, Identity>()
    this.threads.set(thread, clients.set(who.clientId, who))
  }

  disconnected(thread: number, { clientId, remote }: Identity): void {
    const clients = this.threads.get(thread)
    // It may have come again by another connection meanwhile.
    if (clients?.get(clientId)?.remote === remote) clients.delete(clientId)
  }

  has(clientId: string): boolean {
    return [...this.threads.values()].some((clients) => clients.has(clientId))
  }

  /** Adds who is at other threads to connections by user, and returns them. */
  addTo(connections: ConnectionsByUser): ConnectionsByUser {
    for (const clients of this.threads.values())
      for (const { clientId, username, remote: address } of clients.values()) {
        if (username === null) continue
        const others = connections.get(username)
        if (others === undefined) connections.set(username, [{ clientId, address }])
        else others.push({ clientId, address })
      }
    return connections
  }
}
