/** Sockets that listen, and what becomes of the connections they accept. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { LogType } from '../base/log.ts'
import { enter, type Entrance } from './entrance.ts'
import { bindError, listenOptionsOf, placesOf, type Place, type Where } from './places.ts'
import { listenByNumber, socketsOf, valveOf, type Handle } from './shared-socket.ts'
import { listenUnix } from './unix-socket.ts'

export interface ListenOptions {
  readonly where: Where
  /** Whether it is no error when the machine lacks the address. */
  readonly optional: boolean
  /** Other threads accept from its sockets as well. Absent: none do. */
  readonly isShared?: boolean
}

export interface Listener {
  /** Empty for a unix socket. */
  readonly addresses: readonly AddressInfo[]
  /** What other threads may accept from by copies. Empty if it is not shared, and for a unix socket. */
  readonly sockets: readonly Handle[]
  /** Takes connections, or leaves them to other threads for a while, where that is possible. */
  accept(takes: boolean): void
  /** Takes no more connections; those that are links stay. */
  close(): void
}

const KEEP_ALIVE_MS = 60_000
const missingAddress = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'])

/**
 * Listens for clients. The port of the entrance's listener options is set to the one that was bound.
 *
 * @throws ListenError when an address cannot be bound; nothing is left listening then.
 */
export async function listen<C>(options: ListenOptions, entrance: Entrance<C>): Promise<Listener> {
  const { where } = options
  const servers: Server[] = []
  const close = (): void => {
    for (const server of servers) server.close()
    for (const socket of [...entrance.waiting, ...entrance.arriving]) socket.destroy()
  }
  if (where.socketPath !== null) {
    servers.push(await listenAtPath(where.socketPath, entrance))
    return { addresses: [], sockets: [], accept: () => {}, close }
  }
  let { port } = where
  try {
    for (const place of await placesOf(where)) {
      const server = await listenAt(options, entrance, place, port, servers.length > 0)
      if (server === null) continue
      servers.push(server)
      port = (server.address() as AddressInfo).port
      entrance.owner.listener.port = port
    }
  } catch (error) {
    close()
    throw error
  }
  return {
    addresses: servers.map((server) => server.address() as AddressInfo),
    sockets: options.isShared === true ? socketsOf(servers) : [],
    accept: options.isShared === true ? acceptWith(servers) : () => {},
    close,
  }
}

/**
 * Accepts from sockets that another thread of this process listens on, by numbers of its own (`socket-copies.ts`): whichever
 * thread is free takes the next connection.
 */
export async function listenShared<C>(
  descriptors: readonly number[],
  entrance: Entrance<C>,
): Promise<Listener> {
  const servers: Server[] = []
  for (const fd of descriptors) {
    const server = acceptor((socket) => enterFrom(entrance, socket))
    server.listen({ fd })
    await once(server, 'listening')
    reportErrors(server, entrance, `port ${entrance.owner.listener.port}`)
    servers.push(server)
  }
  return {
    addresses: [],
    sockets: [],
    accept: acceptWith(servers),
    close() {
      for (const server of servers) server.close()
      for (const socket of [...entrance.waiting, ...entrance.arriving]) socket.destroy()
    },
  }
}

function acceptWith(servers: readonly Server[]): Listener['accept'] {
  const valves = servers.map(valveOf)
  return (takes) => {
    for (const valve of valves) valve?.(takes)
  }
}

function enterFrom<C>(entrance: Entrance<C>, socket: Socket): void {
  const { remoteAddress = null, remotePort } = socket
  forgetPeername(socket)
  // Joined to one string: what the others make of it keeps both its parts for as long as the connection lasts.
  const remote = remoteAddress === null ? null : [remoteAddress, remotePort].join(':')
  enter(entrance, socket, remote)
}

/** Node keeps its answer in an object of 90 bytes, and would ask the system again. */
function forgetPeername(socket: Socket): void {
  const kept = socket as unknown as { _peername?: unknown }
  if (kept._peername !== undefined) kept._peername = undefined
}

async function listenAtPath<C>(path: string, entrance: Entrance<C>): Promise<Server> {
  const { log } = entrance
  if (log.mask & LogType.information)
    log.write(LogType.information, `Opening unix listen socket on path ${path}.`)
  const server = acceptor((socket) => enter(entrance, socket, path))
  await listenUnix(server, path)
  reportErrors(server, entrance, `the unix socket ${path}`)
  return server
}

/** @returns null when the machine lacks the address and that is no error. */
async function listenAt<C>(
  { where, optional, isShared }: ListenOptions,
  entrance: Entrance<C>,
  place: Place,
  port: number,
  hasOther: boolean,
): Promise<Server | null> {
  const { log } = entrance
  const { family, address } = place
  if (port > 0 && log.mask & LogType.information)
    log.write(LogType.information, `Opening ${family} listen socket on port ${port}.`)
  const server = acceptor((socket) => enterFrom(entrance, socket))
  if (isShared !== true || !listenByNumber(server, place, port))
    server.listen(listenOptionsOf(place, port))
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const dispensable = optional || (where.host === null && hasOther)
    if (!dispensable || !missingAddress.has(code ?? '')) throw bindError(error, place, port)
    if (log.mask & LogType.information)
      log.write(LogType.information, `No ${family} on this machine: not listening on ${address}.`)
    return null
  }
  reportErrors(server, entrance, `port ${port}`)
  return server
}

/** Sockets come paused: whoever gets them in the end says where they are read into. */
function acceptor(onSocket: (socket: Socket) => void): Server {
  return createServer(
    {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      allowHalfOpen: true,
      pauseOnConnect: true,
    },
    onSocket,
  )
}

/** Without file descriptors accept fails; connections wait in the backlog until there are some again. */
function reportErrors<C>(server: Server, { log }: Entrance<C>, place: string): void {
  server.on('error', ({ message }) => {
    log.write(LogType.error, `Error: unable to accept a connection on ${place}: ${message}.`)
  })
}
