/**
 * What all nodes have to agree on: a few small records, each by a key. A change is taken only on top of the record that its
 * writer knew, so of two writers one is first, and the other hears of it.
 */
import { Follower } from './follower.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, type StreamEntry, type Wire } from './wire.ts'

/** A record as this node knows it. */
export interface Kept<T> {
  readonly value: T | null
  /** To be named by who changes it; 0: there is none. */
  readonly sequence: number
}

const NONE: Kept<never> = { value: null, sequence: 0 }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface Written {
  readonly key: string
  readonly value: unknown
}

export class Records {
  private readonly wire: Wire
  private readonly name: string
  private readonly follower: Follower
  private readonly known = new Map<string, Kept<unknown>>()
  /** Told when records have changed, those of this node among them. */
  onChange: () => void = () => {}

  /** `name`: of the cluster. */
  constructor(wire: Wire, name: string) {
    this.wire = wire
    this.name = name
    const followed = { stream: `${name}_K`, subject: `${name}.k.*`, live: `${name}.f.k.*` }
    this.follower = new Follower(wire, followed, (entry) => this.heard(entry))
  }

  /** Resolves when all is known that is there. */
  start(): Promise<void> {
    return this.follower.start()
  }

  end(): void {
    this.follower.end()
  }

  /** Makes sure that nothing was missed. */
  refresh(): Promise<void> {
    return this.follower.refresh()
  }

  get<T>(key: string): Kept<T> {
    return (this.known.get(key) as Kept<T> | undefined) ?? NONE
  }

  /** Writes on top of the record at `sequence`. False: somebody was faster, or nobody can tell; what there is now is known then. */
  async swap(key: string, value: unknown, sequence: number): Promise<boolean> {
    const subject = `${this.name}.k.${tokenFor(key)}`
    const data = encoder.encode(JSON.stringify({ key, value } satisfies Written))
    const outcome = await this.wire.putUntilAnswered(subject, data, {
      'Nats-Expected-Last-Subject-Sequence': String(sequence),
    })
    if (!isFailure(outcome)) {
      this.heard({ subject, data, sequence: outcome.sequence, pending: 0 })
      return true
    }
    const last = await this.wire.readOne(`${this.name}_K`, { last_by_subj: subject })
    if (last !== null) this.heard(last)
    return false
  }

  private heard({ data, sequence }: StreamEntry): void {
    const { key, value } = JSON.parse(decoder.decode(data)) as Written
    if (sequence <= this.get(key).sequence) return
    this.known.set(key, { value, sequence })
    this.onChange()
  }
}
