import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net'
import { LogType, type Log } from '../base/log.ts'
import type { ListenerOptions } from '../broker/ports.ts'
import { isFull, type ConnectionBudget } from './connection-budget.ts'
import type { LinkCore } from './core.ts'
import { openLink, type LinkOwner } from './link.ts'

export interface TcpOptions<C> {
  readonly core: LinkCore<C>
  readonly log: Log
  /** Host name or address; null: every address of this machine. */
  readonly host: string | null
  /** 0: any free one. */
  readonly port: number
  /** null: both. */
  readonly family: 'ipv4' | 'ipv6' | null
  /** Whether it is no error when the machine lacks the address. */
  readonly optional: boolean
  /** Given to every link as it is. Its port is set to the one that was bound. */
  readonly listener: ListenerOptions
  /** Connections of this listener, and of all together. */
  readonly own: ConnectionBudget
  readonly all: ConnectionBudget
}

export interface TcpListener {
  readonly addresses: readonly AddressInfo[]
  /** Takes no more connections; those there are stay. */
  close(): void
}

/** A port that could not be listened on. `message` names it and says what may help. */
export class ListenError extends Error {
  override name = 'ListenError'
}

interface Place {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
}

const anyAddress: readonly Place[] = [
  { address: '0.0.0.0', family: 'ipv4' },
  { address: '::', family: 'ipv6' },
]

const backlog = 1024
const keepAliveMs = 60_000
const missingAddress = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'])

/**
 * Listens for MQTT over TCP.
 *
 * @throws ListenError when an address cannot be bound; nothing is left listening then.
 */
export async function listenTcp<C>(options: TcpOptions<C>): Promise<TcpListener> {
  const servers: Server[] = []
  const close = (): void => {
    for (const server of servers) server.close()
  }
  const owner = linkOwner(options)
  let port = options.port
  try {
    for (const place of await placesOf(options)) {
      const server = await listenAt(options, owner, place, port, servers.length > 0)
      if (server === null) continue
      servers.push(server)
      port = (server.address() as AddressInfo).port
      options.listener.port = port
    }
  } catch (error) {
    close()
    throw error
  }
  return { addresses: servers.map((server) => server.address() as AddressInfo), close }
}

async function placesOf<C>({ host, port, family }: TcpOptions<C>): Promise<readonly Place[]> {
  const wanted = ({ family: found }: Place): boolean => family === null || found === family
  if (host === null) return anyAddress.filter(wanted)
  const found = isIP(host) === 0 ? await resolve(host, port) : [placeOf(host)]
  const places = found.filter(wanted)
  if (places.length === 0)
    throw new ListenError(`Unable to listen on port ${port}: "${host}" has no ${family} address.`)
  return places
}

async function resolve(host: string, port: number): Promise<Place[]> {
  try {
    const found = await lookup(host, { all: true })
    return [...new Set(found.map(({ address }) => address))].map(placeOf)
  } catch {
    throw new ListenError(`Unable to listen on port ${port}: the host name "${host}" is unknown.`)
  }
}

function placeOf(address: string): Place {
  return { address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }
}

/** @returns null when the machine lacks the address and that is no error. */
async function listenAt<C>(
  options: TcpOptions<C>,
  owner: LinkOwner<C>,
  { address, family }: Place,
  port: number,
  hasOther: boolean,
): Promise<Server | null> {
  const { log } = options
  if (port > 0 && log.mask & LogType.information)
    log.write(LogType.information, `Opening ${family} listen socket on port ${port}.`)
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs, allowHalfOpen: true },
    (socket) => admit(options, owner, socket),
  )
  server.listen({ host: address, port, backlog, ipv6Only: family === 'ipv6' })
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const dispensable = options.optional || (options.host === null && hasOther)
    if (!dispensable || !missingAddress.has(code ?? '')) throw bindError(error, address, port)
    if (log.mask & LogType.information)
      log.write(LogType.information, `No ${family} on this machine: not listening on ${address}.`)
    return null
  }
  // Without file descriptors accept fails; connections wait in the backlog until there are some again.
  server.on('error', ({ message }) => {
    log.write(LogType.error, `Error: unable to accept a connection on port ${port}: ${message}.`)
  })
  return server
}

function bindError(error: unknown, address: string, port: number): ListenError {
  const { code, message } = error as NodeJS.ErrnoException
  const place = `${address} port ${port}`
  const help: Readonly<Record<string, string>> = {
    EADDRINUSE:
      'another program listens there. Stop it (a mosquitto that is installed may have been started ' +
      'at boot), or choose another port with -p or a "listener" line',
    EACCES: 'ports below 1024 need root or the capability CAP_NET_BIND_SERVICE',
    EADDRNOTAVAIL: 'this machine does not have that address',
  }
  return new ListenError(`Unable to listen on ${place}: ${help[code ?? ''] ?? message}.`)
}

function linkOwner<C>({ core, listener, own, all }: TcpOptions<C>): LinkOwner<C> {
  const closed = (): void => {
    own.open--
    all.open--
  }
  return { core, listener, closed }
}

function admit<C>(options: TcpOptions<C>, owner: LinkOwner<C>, socket: Socket): void {
  const { own, all, log } = options
  const { remoteAddress, remotePort } = socket
  const full = isFull(own) || isFull(all)
  // Without an address the peer has left while it waited in the backlog.
  if (full || remoteAddress === undefined) {
    socket.on('error', ignore)
    socket.destroy()
    if (full && log.mask & LogType.notice)
      log.write(
        LogType.notice,
        `Client connection from ${remoteAddress} denied: max_connections exceeded.`,
        {
          event: 'connection_denied',
          address: String(remoteAddress),
          reason: 'max_connections exceeded',
        },
      )
    return
  }
  own.open++
  all.open++
  openLink(owner, socket, { remote: `${remoteAddress}:${remotePort}`, tls: null })
}

function ignore(): void {}
