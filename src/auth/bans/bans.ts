/** Bans as they are made and lifted: in force, in their file, and on the disk before that is answered. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { BanList, normalTarget, type Ban, type BanTarget } from './ban-list.ts'
import { WrittenByOthersError } from '../replace-file.ts'
import { formatBans, readBans, type BanFile } from './ban-file.ts'

export interface BanWish extends BanTarget {
  /** null: for good. */
  readonly forMs: number | null
  readonly reason: string
  readonly by: string
}

/** It could not be done; nothing has changed. */
export class BanError extends Error {
  override name = 'BanError'
  readonly kind: 'wish' | 'full' | 'unsaved'

  constructor(kind: BanError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

export interface BansWorld {
  /** null: bans end with the process. */
  readonly file: string | null
  /** Puts a text on the disk for good. */
  save(file: string, text: string): Promise<void>
  /** Time of day, ms. */
  wallMs(): number
}

/** Who made what the rule `flapping_ban` bans: it crowds out nobody else's. */
export const BY_RULE = 'flapping_ban'
const BANS_MAX = 10_000
/** Whoever reconnects under ever new names is not to fill the file. */
const RULE_BANS_MAX = 1000
/** For the text of a pipe, a directory, a device: none that this process has written. */
const NO_FILE = '\0'

/** The bans of a process. */
export class Bans {
  readonly list = new BanList()
  readonly file: string | null
  private readonly world: BansWorld
  private lastId = 0
  private last: Promise<unknown> = Promise.resolve()
  private running: Promise<void> = Promise.resolve()
  private next: Promise<void> | null = null
  /** What this process has last put or found in the file, as hashes: what differs was written by a person. */
  private known: string[] = []

  /** @throws AuthFileError when the file is there and cannot be read. */
  constructor(world: BansWorld, found: (BanFile & { readonly text: string }) | null) {
    this.world = world
    this.file = world.file
    if (found !== null) this.replace(found)
  }

  /**
   * Bans somebody; a ban of just the same is replaced. Resolves when it is in force and on the disk. What the rule bans is in
   * force before this returns, and stays so even if it cannot be saved.
   *
   * @throws BanError
   */
  ban(wish: BanWish): Promise<Ban> {
    return wish.by === BY_RULE ? this.make(wish) : this.inTurn(() => this.make(wish))
  }

  /** Lifts a ban; null: there is none. In force, and on the disk. @throws BanError */
  lift(id: number): Promise<Ban | null> {
    return this.inTurn(async () => {
      const ban = this.list.delete(id)
      if (ban === null) return null
      await this.save(() => this.list.put(ban))
      return ban
    })
  }

  /** One after the other: else what one takes back, because it could not be saved, were another's. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.last.then(run)
    this.last = result.catch(() => {})
    return result
  }

  private async make({ forMs, reason, by, ...wish }: BanWish): Promise<Ban> {
    const target = normalTarget(wish)
    if (target === null)
      throw new BanError('wish', `"${wish.address}" is no address and no network.`)
    if (target.clientId === null && target.username === null && target.address === null)
      throw new BanError('wish', 'Name a client id, a user name or an address.')
    const madeAtMs = this.world.wallMs()
    const untilMs = forMs === null ? null : madeAtMs + forMs
    const before = this.list.same(target)
    if (before !== undefined && by === BY_RULE && outlasts(before, untilMs)) return before
    if (before === undefined) this.makeRoom(by, madeAtMs)
    const id = before?.id ?? ++this.lastId
    const ban = { id, ...target, untilMs, reason, by, madeAtMs }
    this.list.put(ban)
    await this.save(() => {
      if (by === BY_RULE || this.list.get(id) !== ban) return
      if (before === undefined) this.list.delete(id)
      else this.list.put(before)
    })
    return ban
  }

  /** What is in force. */
  inForce(): Ban[] {
    this.list.expire(this.world.wallMs())
    return this.list.all()
  }

  /** Reads the file again; null: nobody but this process has written it. @throws AuthFileError */
  reread(): (BanFile & { readonly text: string }) | null {
    if (this.file === null) return null
    const found = readBans(this.file)
    return this.known.includes(hashOf(found.text)) ? null : found
  }

  /** Puts what was read in force. */
  replace({ bans, lastId, text }: BanFile & { readonly text: string }): void {
    this.list.clear()
    for (const ban of bans) this.list.put(ban)
    this.list.expire(this.world.wallMs())
    this.lastId = Math.max(this.lastId, lastId)
    this.known = [hashOf(text)]
  }

  /** Of the rule's own bans the one that ends first gives way. @throws BanError when there is none. */
  private makeRoom(by: string, nowMs: number): void {
    const ofRule = this.list.all().filter((ban) => ban.by === BY_RULE)
    const isRoom = by !== BY_RULE || ofRule.length < RULE_BANS_MAX
    if (isRoom && this.list.size < BANS_MAX) return
    if (this.list.expire(nowMs).length > 0) return
    const [first] = ofRule.sort(
      (left, right) => (left.untilMs ?? Infinity) - (right.untilMs ?? Infinity),
    )
    if (first === undefined)
      throw new BanError('full', `There are ${BANS_MAX} bans already: lift some.`)
    this.list.delete(first.id)
  }

  /** @param takeBack Called when it could not be saved. @throws BanError */
  private async save(takeBack: () => void): Promise<void> {
    try {
      await this.written()
    } catch (error) {
      takeBack()
      throw new BanError('unsaved', `The bans could not be saved: ${(error as Error).message}`)
    }
  }

  /** Writes of one moment are one; the next waits for it. */
  private written(): Promise<void> {
    const { file } = this
    if (file === null) return Promise.resolve()
    this.next ??= this.running.then(
      () => this.write(file),
      () => this.write(file),
    )
    return this.next
  }

  private write(file: string): Promise<void> {
    this.next = null
    const text = formatBans({ bans: this.inForce(), lastId: this.lastId })
    const hash = hashOf(text)
    // Until it is there or has failed, the file may have either text.
    this.known.push(hash)
    this.running = this.put(file, text).then(
      () => void this.known.splice(0, this.known.indexOf(hash)),
      (error: unknown) => {
        this.known = this.known.filter((other) => other !== hash)
        throw error
      },
    )
    return this.running
  }

  /** What a person has written meanwhile is not lost: it is to be read first. */
  private async put(file: string, text: string): Promise<void> {
    const there = textOf(file)
    if (there !== '' && !this.known.includes(hashOf(there))) throw new WrittenByOthersError(file)
    await this.world.save(file, text)
  }
}

/** Empty: there is no such file, or it may not be read. What is none is not opened: a pipe would keep the process waiting. */
function textOf(file: string): string {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : NO_FILE
  } catch {
    return ''
  }
}

function outlasts({ untilMs }: Ban, other: number | null): boolean {
  return untilMs === null || (other !== null && untilMs >= other)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
