/** Where a listener is to be: addresses to bind, or the path of a unix socket. */
import { lookup } from 'node:dns/promises'
import { isIP, type ListenOptions } from 'node:net'
import { networkInterfaces } from 'node:os'
import { loopbackAddresses } from '../base/loopback.ts'

export type Family = 'ipv4' | 'ipv6'

export interface Where {
  /** Host name or address; null: every address of this machine. */
  readonly host: string | null
  /** 0: any free one; not looked at with a `socketPath`. */
  readonly port: number
  /** Path of a unix socket, instead of host and port. */
  readonly socketPath: string | null
  /** null: both. */
  readonly family: Family | null
  /** Only the addresses of this network interface. */
  readonly networkInterface: string | null
}

/** One address to bind. */
export interface Place {
  readonly address: string
  readonly family: Family
}

/** A place that could not be listened on. `message` names it and says what may help. */
export class ListenError extends Error {
  override name = 'ListenError'
}

const ANY_ADDRESS: readonly Place[] = [
  { address: '0.0.0.0', family: 'ipv4' },
  { address: '::', family: 'ipv6' },
]

/** @throws ListenError when nothing is left to bind. */
export async function placesOf(where: Where): Promise<readonly Place[]> {
  const { host, port, family, networkInterface } = where
  const wanted = ({ family: found }: Place): boolean => family === null || found === family
  const hosts = host === null ? null : await placesOfHost(host, port)
  const found =
    networkInterface === null
      ? (hosts ?? ANY_ADDRESS)
      : placesOfInterface(networkInterface, port).filter(
          ({ address }) => hosts === null || hosts.some((place) => place.address === address),
        )
  const places = found.filter(wanted)
  if (places.length > 0) return places
  const owner = networkInterface === null ? `"${host}"` : `the interface "${networkInterface}"`
  const missing = host !== null && networkInterface !== null ? `address "${host}"` : 'address'
  throw new ListenError(
    `Unable to listen on port ${port}: ${owner} has no ${family ?? ''} ${missing}.`.replace(
      /  +/g,
      ' ',
    ),
  )
}

async function placesOfHost(host: string, port: number): Promise<Place[]> {
  if (isIP(host) !== 0) return [placeOf(host)]
  const own = loopbackAddresses(host)
  if (own !== null) return own.filter(isHere).map(placeOf)
  try {
    const found = await lookup(host, { all: true })
    return [...new Set(found.map(({ address }) => address))].map(placeOf)
  } catch {
    throw new ListenError(`Unable to listen on port ${port}: the host name "${host}" is unknown.`)
  }
}

/** Without IPv6 this machine has no ::1. */
function isHere(address: string): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => entry.address === address),
  )
}

/** At most one address of each family, as mosquitto binds them. */
function placesOfInterface(name: string, port: number): Place[] {
  const interfaces = networkInterfaces()
  const entries = interfaces[name]
  if (entries === undefined) {
    const known = Object.keys(interfaces).join(', ')
    throw new ListenError(
      `Unable to listen on port ${port}: there is no interface "${name}" with an address ` +
        `(bind_interface). This machine has: ${known}.`,
    )
  }
  const first = (family: 'IPv4' | 'IPv6') => entries.find((entry) => entry.family === family)
  const places: Place[] = []
  const four = first('IPv4')
  const six = first('IPv6')
  if (four !== undefined) places.push(placeOf(four.address))
  // The same link-local address may be on every interface: the zone says which one is meant.
  if (six !== undefined)
    places.push({
      address: six.scopeid ? `${six.address}%${name}` : six.address,
      family: 'ipv6',
    })
  return places
}

function placeOf(address: string): Place {
  return { address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }
}

export const BACKLOG = 1024

export function listenOptionsOf({ address, family }: Place, port: number): ListenOptions {
  return { host: address, port, backlog: BACKLOG, ipv6Only: family === 'ipv6' }
}

/** In words an operator can act on. */
export function bindError(error: unknown, { address }: Place, port: number): ListenError {
  const { code, message } = error as NodeJS.ErrnoException
  const help: Readonly<Record<string, string>> = {
    EADDRINUSE:
      'another program listens there. Stop it (a mosquitto that is installed may have been started ' +
      'at boot), or choose another port with -p or a "listener" line',
    EACCES: 'ports below 1024 need root or the capability CAP_NET_BIND_SERVICE',
    EADDRNOTAVAIL: 'this machine does not have that address',
  }
  return new ListenError(
    `Unable to listen on ${address} port ${port}: ${help[code ?? ''] ?? message}.`,
  )
}
