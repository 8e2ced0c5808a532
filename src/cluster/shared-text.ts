/**
 * A text of any length that all nodes have. Its parts are entries of their own, a record names them in their order, and who
 * swaps that record has changed the text: a node that dies before has changed nothing. Of two changes at the same moment one
 * is made, and the other one is told that it was not.
 *
 *     NAME.k.<token>          { id, parts: [hash-random, …] }     the record (`records.ts`)
 *     NAME.k.<token>.<part>   the bytes of a part
 */
import { randomBytes } from 'node:crypto'
import { NO_MESSAGE } from './failures.ts'
import type { Membership, NodeView } from './membership.ts'
import type { Kept, Records } from './records.ts'
import { cutText, type TextPart } from './text-parts.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, pause, type Wire } from './wire.ts'

/** A server sends a part as base64, in one message. */
const PARTS_PER_PAYLOAD = 4
const PART_BYTES_MAX = 256 * 1024
/** So many parts are on their way at once. */
const AT_ONCE = 16
const ANSWER_MS_MAX = 3000
const RETRY_MS = 100

interface Head {
  /** Of one writing. */
  readonly id: string
  readonly parts: readonly string[]
}

/** A text, and of which change it is; `sequence` 0: there is none yet. */
export interface SharedVersion {
  readonly text: string
  readonly sequence: number
}

export interface SharedTextOptions {
  /** In front of every subject. */
  readonly name: string
  readonly node: string
}

const decoder = new TextDecoder()

export class SharedText {
  private readonly wire: Wire
  private readonly options: SharedTextOptions
  private readonly membership: Membership
  private readonly records: Records
  private readonly key: string
  /** Parts of the text that this node read or wrote last, by what the record calls them. */
  private parts: ReadonlyMap<string, Uint8Array> = new Map()

  constructor(
    wire: Wire,
    options: SharedTextOptions,
    membership: Membership,
    records: Records,
    key: string,
  ) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.records = records
    this.key = key
  }

  /** Of the newest text that this node has heard of. */
  get sequence(): number {
    return this.head.sequence
  }

  private get head(): Kept<Head> {
    return this.records.get<Head>(this.key)
  }

  private subjectOf(part: string): string {
    return `${this.options.name}.k.${tokenFor(this.key)}.${part}`
  }

  private get stream(): string {
    return `${this.options.name}_K`
  }

  /** The newest text; as long as it changes meanwhile it is read again. */
  async read(): Promise<SharedVersion> {
    for (;;) {
      const { value, sequence } = this.head
      if (value === null) return { text: '', sequence }
      const parts = await this.readParts(value.parts)
      if (parts !== null) {
        this.parts = parts
        return { text: Buffer.concat([...parts.values()]).toString(), sequence }
      }
      // A part goes when a newer text does not have it.
      await this.records.refresh()
      await pause(RETRY_MS)
    }
  }

  /** null: one is not there any more. */
  private async readParts(names: readonly string[]): Promise<Map<string, Uint8Array> | null> {
    const found = new Map<string, Uint8Array>()
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE)
      const all = await Promise.all(some.map((name) => this.readPart(name)))
      for (const [index, data] of all.entries()) {
        if (data === null) return null
        found.set(some[index], data)
      }
    }
    return found
  }

  private async readPart(name: string): Promise<Uint8Array | null> {
    const known = this.parts.get(name)
    if (known !== undefined) return known
    const entry = await this.wire.readOne(this.stream, { last_by_subj: this.subjectOf(name) })
    return entry?.data ?? null
  }

  /**
   * Puts another text in the place of that of `sequence`; resolves to the new one's, or to null: another node was faster.
   * Throws when NATS does not answer or does not take it, and nothing has changed.
   */
  async write(text: string, sequence: number): Promise<number | null> {
    await this.assertAnswered()
    const before = this.head
    if (before.sequence !== sequence) return null
    const payloadMax = this.wire.nc.info?.max_payload ?? Infinity
    const cut = cutText(text, Math.min(PART_BYTES_MAX, Math.floor(payloadMax / PARTS_PER_PAYLOAD)))
    const { parts, fresh } = this.named(cut, before.value?.parts ?? [])
    const head: Head = { id: randomBytes(12).toString('base64url'), parts: [...parts.keys()] }
    try {
      await this.putParts(fresh)
    } catch (error) {
      this.drop(fresh.keys())
      throw error
    }
    const isTaken = await this.records.swap(this.key, head, sequence)
    const after = this.head
    const isKept = new Set(after.value?.parts)
    const dropOld = (names: Iterable<string>): void =>
      this.drop([...names].filter((name) => !isKept.has(name)))
    // An answer that was lost on its way: it was ours.
    if (!isTaken && after.value?.id !== head.id) {
      // Or it was, and the text that another node put on top of it has parts of ours.
      dropOld(fresh.keys())
      if (after.sequence === sequence) throw new Error('NATS does not take the change')
      return null
    }
    this.parts = parts
    dropOld(before.value?.parts ?? [])
    return after.sequence
  }

  /** What the parts are called; `fresh`: those that are to be put, for the text before does not have them. */
  private named(cut: readonly TextPart[], before: readonly string[]) {
    const known = new Map(before.map((name) => [hashOf(name), name]))
    const parts = new Map<string, Uint8Array>()
    const fresh = new Map<string, Uint8Array>()
    for (const { hash, data } of cut) {
      const old = known.get(hash)
      // Each once: a text may have the same lines twice.
      known.delete(hash)
      // Never the name of an earlier one, which somebody may be about to drop.
      const name = old ?? `${hash}.${randomBytes(6).toString('base64url')}`
      parts.set(name, data)
      if (old === undefined) fresh.set(name, data)
    }
    return { parts, fresh }
  }

  private async putParts(fresh: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const all = [...fresh]
    for (let at = 0; at < all.length; at += AT_ONCE)
      await Promise.all(
        all.slice(at, at + AT_ONCE).map(async ([name, data]) => {
          const outcome = await this.wire.put(this.subjectOf(name), data)
          if (isFailure(outcome)) throw new Error(`NATS: ${outcome.text}`)
        }),
      )
  }

  /** Nobody waits for it: a part that stays takes room, and that is all. */
  private drop(names: Iterable<string>): void {
    for (const name of names)
      this.wire.api(`STREAM.PURGE.${this.stream}`, { filter: this.subjectOf(name) }).catch(() => {})
  }

  /** Before anything is written: what was sent may be taken long after nobody waits for it any more. */
  private async assertAnswered(): Promise<void> {
    const question = JSON.stringify({ last_by_subj: `${this.options.name}.k.none` })
    const answer = await this.wire.request(
      `$JS.API.STREAM.MSG.GET.${this.stream}`,
      question,
      ANSWER_MS_MAX,
    )
    if (answer === null) throw new Error('NATS does not answer')
    const { error } = JSON.parse(decoder.decode(answer.data)) as {
      error?: { description?: string; err_code?: number }
    }
    if (error !== undefined && error.err_code !== NO_MESSAGE)
      throw new Error(`NATS: ${error.description ?? 'no leader'}`)
  }

  /**
   * Answers the other nodes when this one has acted on a text, from now on.
   *
   * @param act Resolves when what `sequence` brought is in force here.
   */
  answerWith(act: (sequence: number, more: unknown) => Promise<void>): void {
    this.wire.listen(this.subjectAt(this.options.node), (message) => {
      const { sequence, more } = JSON.parse(decoder.decode(message.data)) as Told
      void act(sequence, more).then(
        () => this.wire.reply(message, new Uint8Array(0)),
        // It is asked again.
        () => {},
      )
    })
  }

  /** Resolves when each of the other nodes of `which` has acted on a text, or its lease has ended. */
  async tell(sequence: number, more: unknown, which: (node: NodeView) => boolean): Promise<void> {
    const text = JSON.stringify({ sequence, more } satisfies Told)
    const others = this.membership.others().filter((node) => which(node))
    await Promise.all(
      others.map(async ({ node, run }) => {
        while (this.membership.isRunAlive(node, run) && !this.wire.isClosed) {
          if ((await this.wire.request(this.subjectAt(node), text, ANSWER_MS_MAX)) !== null) return
          await pause(RETRY_MS)
        }
      }),
    )
  }

  private subjectAt(node: string): string {
    return `${this.options.name}.ctl.${node}.shared.${tokenFor(this.key)}`
  }
}

interface Told {
  readonly sequence: number
  readonly more: unknown
}

function hashOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}
