/**
 * From an accepted socket to a link: the stages that a listener asks for, all of them under a clock, TLS under its own.
 *
 *     accept ─▶ place? ─▶ rate ─▶ PROXY header ─▶ TLS ─▶ first byte ─▶ MQTT ─▶ link
 *                                                             └─▶ HTTP ─▶ WebSocket ─▶ link
 */
import type { Socket } from 'node:net'
import { addressOf } from '../base/address.ts'
import { LogType, type Log } from '../base/log.ts'
import type { TlsFacts } from '../ports/ports.ts'
import type { AddressBudget } from './address-budget.ts'
import { isFull, type ConnectionBudget } from './connection-budget.ts'
import type { ConnectionRate } from './connection-rate.ts'
import { openLink, socketClosed, socketFailed, type LinkOwner, type Peer } from './link.ts'
import { behindHeader, readProxied, type ProxyRules } from './proxy.ts'
import { readHead } from './read-now.ts'
import type { TlsEntrance } from './tls.ts'
import type { WebEntrance } from './websocket.ts'

/** What a listener asks of connections. The object may be changed: the next connection meets the change. */
export interface EntranceSettings {
  /** The header of a load balancer comes first; null: none does. */
  proxy: ProxyRules | null
  tls: TlsEntrance | null
  /** null: MQTT alone. */
  web: WebEntrance | null
  /** With `web`: both on one port, told apart by the first byte. */
  auto: boolean
}

/** A connection that was turned away before it said who it is. */
export type Denied = (remote: string, why: string) => void

export interface Entrance<C> {
  readonly owner: LinkOwner<C>
  readonly settings: EntranceSettings
  readonly log: Log
  /** Connections of this listener, and of all together: until one side has ended them. */
  readonly own: ConnectionBudget
  readonly all: ConnectionBudget
  /** Sockets: until they are closed. */
  readonly sockets: ConnectionBudget
  readonly addresses: AddressBudget
  readonly rate: ConnectionRate
  /** Sockets that wait for a place. */
  readonly waiting: Set<Socket>
  /** Sockets that are no links yet. */
  readonly arriving: Set<Socket>
  /** Hears who is turned away, for people to see. */
  readonly denied: Denied
  /** ms for all stages together, but for TLS. */
  stageMsMax(): number
}

/**
 * A TLS handshake, with what comes before it, has so many times as long as the other stages, and no longer than this: small
 * devices take seconds. The gate bounds how many there are.
 */
const HANDSHAKE_FACTOR = 4
const HANDSHAKE_MS_MAX = 30_000
/** Beyond it a timer of Node is due at once. */
const TIMER_MS_MAX = 0x7fff_ffff

const arrivalKey = Symbol('arrival')

type ArrivedSocket = Socket & { [arrivalKey]: Arrival<unknown> }

/** A connection between accept and link; as long as it lasts, its place among those that the bounds count. */
class Arrival<C> implements Peer {
  readonly entrance: Entrance<C>
  readonly raw: Socket
  remote: string
  tls: TlsFacts | null = null
  /** Its address has one connection more; a load balancer's has not. */
  private readonly isCounted: boolean
  private isHere = true
  timer: NodeJS.Timeout | null = null

  constructor(entrance: Entrance<C>, raw: Socket, remote: string) {
    const address = countedAddress(entrance, remote)
    this.entrance = entrance
    this.raw = raw
    this.remote = remote
    this.isCounted = address !== null
    entrance.own.open++
    entrance.all.open++
    entrance.sockets.open++
    if (address !== null) entrance.addresses.enter(address)
    entrance.arriving.add(raw)
  }

  get address(): string {
    return addressOf(this.remote)
  }

  /** Its turn has come. */
  enter(late: boolean): boolean {
    const { raw } = this
    if (raw.destroyed) return false
    const head = late ? this.readHead() : null
    if (head === 'gone') raw.destroy()
    else begin(this, head)
    return head !== 'gone'
  }

  private readHead(): Buffer | null | 'gone' {
    const { proxy } = this.entrance.settings
    return readHead(this.raw, (head) => (proxy === null ? head : behindHeader(proxy, head)))
  }

  leave(): void {
    if (!this.isHere) return
    this.isHere = false
    const { own, all, addresses } = this.entrance
    own.open--
    all.open--
    // Nobody changes the address of one that counts.
    if (this.isCounted) addresses.leave(this.address)
  }

  closed(): void {
    this.leave()
    this.entrance.sockets.open--
    this.entrance.arriving.delete(this.raw)
  }
}

function onClose(this: ArrivedSocket): void {
  this[arrivalKey].closed()
  socketClosed(this)
}

function onError(this: Socket, error: Error): void {
  socketFailed(this, error)
}

/**
 * Turns in which a connection waits for a place, and how many may wait. A peer that ended its connection before it
 * made this one has its end lying in a socket that is not read yet; a WebSocket takes the most turns.
 */
const WAIT_TURNS_MAX = 8
const WAITING_MAX = 32

/** Takes `raw`, just accepted and paused. `remote`: its address and port, or the path of a unix socket. */
export function enter<C>(entrance: Entrance<C>, raw: Socket, remote: string | null): void {
  raw.on('error', onError)
  // Without an address the peer has left while it waited in the backlog.
  if (remote === null) return void raw.destroy()
  if (obstacleOf(entrance, remote) !== null) waitForPlace(entrance, raw, remote)
  else if (!raw.destroyed) take(entrance, raw, remote)
}

/** What counts as its address; null: none does, for a load balancer is one address for all its clients. */
function countedAddress<C>({ settings }: Entrance<C>, remote: string): string | null {
  return settings.proxy === null ? addressOf(remote) : null
}

function waitForPlace<C>(entrance: Entrance<C>, raw: Socket, remote: string): void {
  const { waiting, sockets } = entrance
  const look = (turnsLeft: number): void => {
    const obstacle = obstacleOf(entrance, remote)
    const waits = obstacle !== null && turnsLeft > 0 && !raw.destroyed
    if (waits) return void later(look, turnsLeft - 1)
    waiting.delete(raw)
    if (raw.destroyed) return
    if (obstacle !== null) return deny(entrance, raw, remote, obstacle)
    take(entrance, raw, remote)
  }
  // Other threads have their own turns: what one of them has to see takes as long as it takes.
  const isAlone = entrance.own.elsewhere === undefined
  const later = isAlone ? setImmediate : waitLonger
  const turnsMax = isAlone ? WAIT_TURNS_MAX : LONGER_TURNS_MAX
  const mayWait = waiting.size < WAITING_MAX && !isFull(sockets)
  if (mayWait) waiting.add(raw)
  look(mayWait ? turnsMax : 0)
}

/** Between two looks for a place where other threads may give one back, and how many looks: they may be busy. */
const LONGER_MS = 10
const LONGER_TURNS_MAX = 40

function waitLonger(look: (turnsLeft: number) => void, turnsLeft: number): void {
  setTimeout(look, LONGER_MS, turnsLeft)
}

/** Why there is no place; null: there is one. */
function obstacleOf<C>(entrance: Entrance<C>, remote: string): string | null {
  const { own, all, sockets, addresses } = entrance
  const address = countedAddress(entrance, remote)
  if (isFull(own) || isFull(all) || isFull(sockets)) return 'max_connections exceeded'
  const isOneTooMany = address !== null && addresses.isFull(address)
  return isOneTooMany ? 'max_connections_per_address exceeded' : null
}

function take<C>(entrance: Entrance<C>, raw: Socket, remote: string): void {
  const arrival = new Arrival(entrance, raw, remote)
  ;(raw as ArrivedSocket)[arrivalKey] = arrival
  // It comes once, and `once` would keep three objects more.
  raw.on('close', onClose)
  if (!entrance.rate.pass(arrival)) deny(entrance, raw, remote, 'max_connection_rate exceeded')
}

function deny<C>(
  { log, denied }: Pick<Entrance<C>, 'log' | 'denied'>,
  raw: Socket,
  remote: string,
  why: string,
): void {
  raw.destroy()
  denied(remote, why)
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `Client connection from ${addressOf(remote)} denied: ${why}.`, {
      event: 'connection_denied',
      address: addressOf(remote),
      reason: why,
    })
}

/** `head` is what was read already. */
function begin<C>(arrival: Arrival<C>, head: Buffer | null): void {
  const { entrance, raw } = arrival
  const { proxy, tls, web } = entrance.settings
  if (proxy === null && tls === null && web === null) return openMqtt(arrival, raw, head)
  const stageMs = entrance.stageMsMax()
  mayStay(arrival, tls === null ? stageMs : Math.min(stageMs * HANDSHAKE_FACTOR, HANDSHAKE_MS_MAX))
  raw.once('close', () => mayStay(arrival, 0))
  if (proxy === null) return secure(arrival, null, head)
  if (head !== null) raw.unshift(head)
  readProxied(
    raw,
    proxy,
    (proxied) => {
      arrival.remote = proxied.remote ?? arrival.remote
      secure(arrival, proxied.tls, proxied.rest)
    },
    (why) => deny(entrance, raw, arrival.remote, why),
  )
}

/** `head` is what was read already, to be read again. */
function secure<C>(arrival: Arrival<C>, facts: TlsFacts | null, head: Buffer | null): void {
  const { entrance, raw, remote } = arrival
  const { tls } = entrance.settings
  if (tls === null) return speak(arrival, raw, facts, head)
  if (head !== null) raw.unshift(head)
  tls.secure(raw, remote, (socket, own) => {
    mayStay(arrival, entrance.stageMsMax())
    speak(arrival, socket, own, null)
  })
}

/** From now on; 0, for ever: the stages are through. */
function mayStay<C>(arrival: Arrival<C>, ms: number): void {
  if (arrival.timer !== null) clearTimeout(arrival.timer)
  const { entrance, raw } = arrival
  if (ms === 0) entrance.arriving.delete(raw)
  arrival.timer = ms === 0 ? null : setTimeout(() => raw.destroy(), Math.min(ms, TIMER_MS_MAX))
}

function speak<C>(
  arrival: Arrival<C>,
  socket: Socket,
  tls: TlsFacts | null,
  head: Buffer | null,
): void {
  arrival.tls = tls
  const { web, auto } = arrival.entrance.settings
  if (web === null) return openMqtt(arrival, socket, head)
  if (head !== null) socket.unshift(head)
  const openWeb = (): void => web.take(socket, arrival, (ms) => mayStay(arrival, ms))
  if (!auto) return openWeb()
  readFirst(socket, (first) => {
    if (!isHttp(first[0])) return openMqtt(arrival, socket, first)
    socket.unshift(first)
    openWeb()
  })
}

function openMqtt<C>(arrival: Arrival<C>, socket: Socket, head: Buffer | null): void {
  mayStay(arrival, 0)
  // The core must not be given a Buffer: its `slice` would not copy.
  const bytes = head === null ? null : new Uint8Array(head)
  openLink(arrival.entrance.owner, socket, arrival, bytes)
}

/** The first bytes that come; the socket is paused again. */
function readFirst(socket: Socket, then: (head: Buffer) => void): void {
  socket.on('error', ignore)
  socket.once('data', (head: Buffer) => {
    socket.pause()
    then(head)
  })
  socket.resume()
}

/** Every method of HTTP begins with a capital letter; CONNECT of MQTT with 0x10. */
function isHttp(first: number): boolean {
  return first >= 0x41 && first <= 0x5a
}

function ignore(): void {}
