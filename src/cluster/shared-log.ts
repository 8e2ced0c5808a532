/**
 * Lines that all nodes have in one order, and to which any of them may add. They are parts of their own, a record names them
 * (`log-head.ts`), and who swaps that record has added some: a node that dies before has added nothing. Of two at the same
 * moment one is made, and the other one is told that it was not.
 */
import { randomBytes } from 'node:crypto'
import { NO_MESSAGE } from './failures.ts'
import {
  BEGINNING,
  endOf,
  isLong,
  partsOf,
  wayTo,
  withBase,
  withChange,
  type LogHead,
  type LogPlace,
} from './log-head.ts'
import { LogParts, runOf, type LogPartsOptions } from './log-parts.ts'
import { gatherLines } from './lines.ts'
import type { Membership } from './membership.ts'
import type { Kept, Records } from './records.ts'
import { tokenFor } from './tokens.ts'
import { pause, type Wire } from './wire.ts'

const ANSWER_MS_MAX = 3000
const RETRY_MS = 100

/** What a node had not read yet. */
export interface LogNews {
  /** Nothing of what it had read before counts any more. */
  readonly isAnew: boolean
  readonly lines: Uint8Array
}

const decoder = new TextDecoder()

export class SharedLog {
  private readonly wire: Wire
  private readonly options: LogPartsOptions
  private readonly membership: Membership
  private readonly records: Records
  private readonly key: string
  private readonly parts: LogParts
  private place = BEGINNING
  private placedAt = 0
  /** Parts of this run that the record may still come to name: NATS has refused it, and earlier attempts are on their way. */
  private readonly loose = new Set<string>()
  private isSettling = false

  constructor(
    wire: Wire,
    options: LogPartsOptions,
    membership: Membership,
    records: Records,
    key: string,
  ) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.records = records
    this.key = key
    this.parts = new LogParts(wire, options, tokenFor(key))
  }

  /** The newest writing of the record that this node has heard of; 0: there is none. */
  get heard(): number {
    return this.head.sequence
  }

  /** The one up to which it has read, or written. */
  get at(): number {
    return this.placedAt
  }

  private get head(): Kept<LogHead> {
    return this.records.get<LogHead>(this.key)
  }

  /** What has been added behind {@link at}; as long as more is, it is read again. */
  async read(): Promise<LogNews> {
    for (;;) {
      const { value, sequence } = this.head
      if (value === null) return { isAnew: false, lines: new Uint8Array(0) }
      const { isAnew, parts } = wayTo(value, this.place)
      const lines = await this.parts.read(parts)
      if (lines !== null) {
        this.move(endOf(value), sequence)
        return { isAnew, lines }
      }
      // A part goes when a newer record does not name it.
      await this.records.refresh()
      await pause(RETRY_MS)
    }
  }

  private move(place: LogPlace, sequence: number): void {
    this.place = place
    this.placedAt = sequence
  }

  /**
   * Adds lines behind {@link at}. False: somebody else has added some meanwhile. Throws when NATS does not answer or does not
   * take them, and nothing is added.
   */
  async append(lines: Iterable<string>): Promise<boolean> {
    await this.assertAnswered()
    const { value, sequence } = this.head
    if (sequence !== this.at) return false
    const names = await this.parts.put(await gatherLines(lines, this.parts.bytesMax))
    const head = withChange(value, newId(), names)
    await this.keepingLoose(names, () => this.swap(head, sequence))
    const after = this.head
    // Read or not: an answer may be lost on its way, and another node's lines be behind ours by now.
    if (after.value !== null && partsOf(after.value).has(names[0])) {
      this.move(endOf(head), after.value.id === head.id ? after.sequence : sequence)
      return true
    }
    this.parts.drop(names)
    return false
  }

  /** Tries to have the record name some parts. When it throws nobody can tell whether it will come to that. */
  private async keepingLoose<T>(names: readonly string[], run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      for (const name of names) this.loose.add(name)
      throw error
    }
  }

  /** As {@link Records.swap}, and throws when NATS does not take it; parts that only the record before has named go. */
  private async swap(head: LogHead, sequence: number): Promise<boolean> {
    const before = this.head.value
    const isMade = await this.records.swap(this.key, head, sequence)
    const { value } = this.head
    if (value === null || this.head.sequence === sequence)
      throw new Error('NATS does not take the change')
    const isNamed = partsOf(value)
    const old = [...(before === null ? [] : partsOf(before)), ...this.loose]
    this.parts.drop(old.filter((name) => !isNamed.has(name)))
    this.loose.clear()
    return isMade
  }

  /** Are there so many changes that they had better become one base? */
  get isLong(): boolean {
    const { value } = this.head
    return value !== null && !this.isSettling && isLong(value)
  }

  /** Puts a base in the place of all that this node has read, which is what `lines` say. Throws as {@link append}. */
  async settle(lines: Iterable<string>): Promise<void> {
    this.isSettling = true
    try {
      const { place } = this
      const names = await this.parts.put(await gatherLines(lines, this.parts.bytesMax))
      await this.keepingLoose(names, () =>
        this.exchange((head) => withBase(head, newId(), names, place)),
      )
      const { value } = this.head
      if (value !== null && !partsOf(value).has(names[0])) this.parts.drop(names)
    } finally {
      this.isSettling = false
    }
    await this.sweep()
  }

  /** Swaps the record, however often others do so meanwhile; `next` says null when there is no need any more. False: then. */
  private async exchange(next: (head: LogHead) => LogHead | null): Promise<boolean> {
    // Whose lease has ended is not waited for by who sweeps.
    while (this.membership.isValid() && !this.wire.isClosed) {
      const { value, sequence } = this.head
      const head = value === null ? null : next(value)
      if (head === null) return false
      if ((await this.swap(head, sequence)) || this.head.value?.id === head.id) return true
    }
    return false
  }

  /** Takes out what runs that have ended have put, and no record names. */
  async sweep(): Promise<void> {
    const listed = await this.parts.list()
    // Behind the list, so that whoever put something of it is known.
    await this.membership.refresh()
    const runs = new Set(this.membership.others().map(({ run }) => run)).add(this.options.run)
    const left = listed.filter((name) => !runs.has(runOf(name)))
    const unnamed = (head: LogHead | null): string[] => {
      const isNamed = head === null ? null : partsOf(head)
      return left.filter((name) => isNamed?.has(name) === false)
    }
    if (unnamed(this.head.value).length === 0) return
    // A record that names them, and that a server has kept since its writer died, is not taken on top of another one.
    let old: string[] = []
    const isMade = await this.exchange((head) => {
      old = unnamed(head)
      return old.length === 0 ? null : { ...head, id: newId() }
    })
    if (isMade) this.parts.drop(old)
  }

  /** Before anything is written: what was sent may be taken long after nobody waits for it any more. */
  private async assertAnswered(): Promise<void> {
    const { name } = this.options
    const question = JSON.stringify({ last_by_subj: `${name}.k.none` })
    const subject = `$JS.API.STREAM.MSG.GET.${name}_K`
    const answer = await this.wire.request(subject, question, ANSWER_MS_MAX)
    if (answer === null) throw new Error('NATS does not answer')
    const { error } = JSON.parse(decoder.decode(answer.data)) as {
      error?: { description?: string; err_code?: number }
    }
    if (error !== undefined && error.err_code !== NO_MESSAGE)
      throw new Error(`NATS: ${error.description ?? 'no leader'}`)
  }
}

function newId(): string {
  return randomBytes(12).toString('base64url')
}
