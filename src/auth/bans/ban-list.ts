/** Who is banned: what a CONNECT is held against, in a time that does not grow with the list. */
import { addressOf } from '../../base/address.ts'
import { leading, parseNetwork, showNetwork, type Network } from './network.ts'

/** Whom a ban means: who fits all that it names. At least one is named. */
export interface BanTarget {
  readonly clientId: string | null
  readonly username: string | null
  /** An address, or a network in CIDR notation. */
  readonly address: string | null
}

export interface Ban extends BanTarget {
  /** Ascends, over restarts too. */
  readonly id: number
  /** Wall clock, ms; null: for good. */
  readonly untilMs: number | null
  readonly reason: string
  /** Who made it: a user, or the rule. */
  readonly by: string
  /** Wall clock, ms. */
  readonly madeAtMs: number
}

export interface Banned {
  readonly clientId: string
  readonly username: string | null
  /** `address:port`, or the path of a unix socket. */
  readonly remote: string
}

/** `null`: its address is none. */
export function normalTarget(target: BanTarget): BanTarget | null {
  if (target.address === null) return target
  const network = parseNetwork(target.address)
  return network === null ? null : { ...target, address: showNetwork(network) }
}

/** What a ban is found by: the first of its names that there is. */
type Bucket = Map<number, Ban>

export class BanList {
  private readonly byId = new Map<number, Ban>()
  private readonly byClient = new Map<string, Bucket>()
  private readonly byUser = new Map<string, Bucket>()
  /** Of those that name an address alone: by its kind and prefix, then by its leading bits. */
  private readonly byNetwork = new Map<string, { prefix: number; found: Map<bigint, Bucket> }>()

  get size(): number {
    return this.byId.size
  }

  /** In the order of their ids. */
  all(): Ban[] {
    return [...this.byId.values()]
  }

  get(id: number): Ban | undefined {
    return this.byId.get(id)
  }

  /** Adds it, or puts it in the place of the one with its id. */
  put(ban: Ban): void {
    this.delete(ban.id)
    this.byId.set(ban.id, ban)
    this.bucketOf(ban)?.set(ban.id, ban)
  }

  delete(id: number): Ban | null {
    const ban = this.byId.get(id)
    if (ban === undefined) return null
    this.byId.delete(id)
    const bucket = this.bucketOf(ban)
    bucket?.delete(id)
    if (bucket?.size === 0) this.dropBucket(ban)
    return ban
  }

  clear(): void {
    for (const table of [this.byId, this.byClient, this.byUser, this.byNetwork]) table.clear()
  }

  /** The ban of the same target; undefined: there is none. */
  same(target: BanTarget): Ban | undefined {
    return this.all().find(
      ({ clientId, username, address }) =>
        clientId === target.clientId && username === target.username && address === target.address,
    )
  }

  /** What keeps somebody out; of several what does so longest. null: nothing does. */
  find(who: Banned, nowMs: number): Ban | null {
    if (this.byId.size === 0) return null
    let found: Ban | null = null
    for (const bucket of this.bucketsFor(who))
      for (const ban of bucket.values()) {
        if (!isNow(ban, nowMs) || !fits(ban, who)) continue
        if (found === null || (ban.untilMs ?? Infinity) > (found.untilMs ?? Infinity)) found = ban
      }
    return found
  }

  /** Drops what is over; returns it. */
  expire(nowMs: number): Ban[] {
    const over = this.all().filter((ban) => !isNow(ban, nowMs))
    for (const { id } of over) this.delete(id)
    return over
  }

  private bucketsFor({ clientId, username, remote }: Banned): Bucket[] {
    const buckets = [
      this.byClient.get(clientId),
      username === null ? undefined : this.byUser.get(username),
    ]
    const network = this.byNetwork.size === 0 ? null : parseNetwork(addressOf(remote))
    if (network !== null)
      for (const [kind, { prefix, found }] of this.byNetwork)
        if (kind === kindOf(network, prefix)) buckets.push(found.get(leading(network, prefix)))
    return buckets.filter((bucket) => bucket !== undefined)
  }

  private bucketOf({ clientId, username, address }: Ban): Bucket | null {
    if (clientId !== null) return entry(this.byClient, clientId, newBucket)
    if (username !== null) return entry(this.byUser, username, newBucket)
    const network = address === null ? null : parseNetwork(address)
    if (network === null) return null
    const { prefix } = network
    const of = entry(this.byNetwork, kindOf(network, prefix), () => ({ prefix, found: new Map() }))
    return entry(of.found, network.value, newBucket)
  }

  private dropBucket({ clientId, username, address }: Ban): void {
    if (clientId !== null) return void this.byClient.delete(clientId)
    if (username !== null) return void this.byUser.delete(username)
    const network = address === null ? null : parseNetwork(address)
    if (network === null) return
    const kind = kindOf(network, network.prefix)
    const of = this.byNetwork.get(kind)
    of?.found.delete(network.value)
    if (of?.found.size === 0) this.byNetwork.delete(kind)
  }
}

function newBucket(): Bucket {
  return new Map()
}

function entry<K, V>(table: Map<K, V>, key: K, make: () => V): V {
  const known = table.get(key)
  if (known !== undefined) return known
  const made = make()
  table.set(key, made)
  return made
}

function kindOf({ bits }: Network, prefix: number): string {
  return `${bits}/${prefix}`
}

function isNow({ untilMs }: Ban, nowMs: number): boolean {
  return untilMs === null || untilMs > nowMs
}

/** Whether somebody is all that a ban names. */
export function fits({ clientId, username, address }: BanTarget, who: Banned): boolean {
  if (clientId === null && username === null && address === null) return false
  if (clientId !== null && clientId !== who.clientId) return false
  if (username !== null && username !== who.username) return false
  if (address === null) return true
  const [wanted, own] = [parseNetwork(address), parseNetwork(addressOf(who.remote))]
  if (wanted === null || own === null || wanted.bits !== own.bits) return false
  return leading(own, wanted.prefix) === wanted.value
}
