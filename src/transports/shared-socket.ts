/**
 * Listening sockets that several threads of the process accept from. Node has no public way to any of this: where it lacks what is
 * used here, a server takes whatever comes.
 */
import * as net from 'node:net'
import { BACKLOG, type Place } from './places.ts'

/** What is behind a server, as far as it is used here. */
export interface Handle {
  readonly fd?: number
  readStart?(): number
  readStop?(): number
  getsockname(into: object): number
  close(): void
}

type CreateHandle = (
  address: string,
  port: number,
  family: 4 | 6,
  fd: undefined,
  flags: number,
) => Handle | number

const IPV6_ONLY = 1

/** Bound, and listened on by their numbers: they are the process's as long as it lives. */
const bound: Handle[] = []

function handleOf(server: net.Server): Handle | null {
  return (server as net.Server & { _handle?: Handle | null })._handle ?? null
}

/** The sockets of servers, for other threads to listen on. @throws Error where this Node does not say. */
export function socketsOf(servers: readonly net.Server[]): readonly Handle[] {
  return servers.map((server) => {
    const handle = handleOf(server)
    if (handle === null || (handle.fd ?? -1) < 0)
      throw new Error('thread_count: this Node does not say which sockets it listens on.')
    return handle
  })
}

/**
 * Listens by the number of a socket that was bound before, as the other threads do: only such a server can leave connections to
 * others. False: that cannot be, for whatever reason; listening in the usual way will say.
 */
export function listenByNumber(server: net.Server, place: Place, port: number): boolean {
  const { _createServerHandle: create } = net as { _createServerHandle?: CreateHandle }
  const isIpv6 = place.family === 'ipv6'
  const handle = create?.(place.address, port, isIpv6 ? 6 : 4, undefined, isIpv6 ? IPV6_ONLY : 0)
  if (handle === undefined || typeof handle === 'number') return false
  if (handle.getsockname({}) !== 0 || (handle.fd ?? -1) < 0) {
    handle.close()
    return false
  }
  bound.push(handle)
  server.listen({ fd: handle.fd, backlog: BACKLOG })
  return true
}

/** What makes a listening server take connections, or leave them to other threads for a while; null: it always takes them. */
export function valveOf(server: net.Server): ((takes: boolean) => void) | null {
  const handle = handleOf(server)
  // Of a listening socket these begin and end the wait for connections.
  if (handle?.readStart?.() !== 0) return null
  let isOpen = true
  return (takes) => {
    if (takes === isOpen) return
    isOpen = takes
    if (takes) handle.readStart?.()
    else handle.readStop?.()
  }
}
