/**
 * Parts of a shared log: entries that are written once and never changed.
 *
 *     NAME.k.<token>.<run>.<number>      the run is the writer's, so that it is known when nobody goes on with it
 */
import { isFailure, type Wire } from './wire.ts'

/** A server sends a part as base64, in one message. */
const PARTS_PER_PAYLOAD = 4
const PART_BYTES_MAX = 256 * 1024
/** So many are on their way at once. */
const AT_ONCE = 16

export interface LogPartsOptions {
  /** In front of every subject. */
  readonly name: string
  readonly run: string
}

interface Subjects {
  readonly state: { readonly subjects?: Readonly<Record<string, number>> }
}

export class LogParts {
  private readonly wire: Wire
  private readonly options: LogPartsOptions
  private readonly prefix: string
  private last = 0

  /** `token`: of the log's key. */
  constructor(wire: Wire, options: LogPartsOptions, token: string) {
    this.wire = wire
    this.options = options
    this.prefix = `${options.name}.k.${token}.`
  }

  private get stream(): string {
    return `${this.options.name}_K`
  }

  get bytesMax(): number {
    const payloadMax = this.wire.nc.info?.max_payload ?? Infinity
    return Math.min(PART_BYTES_MAX, Math.floor(payloadMax / PARTS_PER_PAYLOAD))
  }

  /** Resolves to their names. Throws when NATS does not take one, and then none is there. */
  async put(parts: readonly Uint8Array[]): Promise<string[]> {
    const names = parts.map(() => `${this.options.run}.${(++this.last).toString(36)}`)
    try {
      await inGroups(names, async (name, at) => {
        const outcome = await this.wire.put(this.prefix + name, parts[at])
        if (isFailure(outcome)) throw new Error(`NATS: ${outcome.text}`)
      })
    } catch (error) {
      this.drop(names)
      throw error
    }
    return names
  }

  /** null: one is not there any more. */
  async read(names: readonly string[]): Promise<Uint8Array | null> {
    const found = await inGroups(names, (name) =>
      this.wire.readOne(this.stream, { last_by_subj: this.prefix + name }),
    )
    const parts = found.flatMap((entry) => (entry === null ? [] : [entry.data]))
    return parts.length < names.length ? null : Buffer.concat(parts)
  }

  /** Nobody waits for it: a part that stays takes room until it is swept, and that is all. */
  drop(names: Iterable<string>): void {
    for (const name of names)
      this.wire.api(`STREAM.PURGE.${this.stream}`, { filter: this.prefix + name }).catch(() => {})
  }

  /** All that there are, whether somebody refers to them or not. */
  async list(): Promise<string[]> {
    const filter = { subjects_filter: `${this.prefix}>` }
    const { state } = await this.wire.api<Subjects>(`STREAM.INFO.${this.stream}`, filter)
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(this.prefix.length))
  }
}

export function runOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}

async function inGroups<T, U>(
  items: readonly T[],
  run: (item: T, at: number) => Promise<U>,
): Promise<U[]> {
  const done: U[] = []
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const some = items.slice(from, from + AT_ONCE)
    done.push(...(await Promise.all(some.map((item, at) => run(item, from + at)))))
  }
  return done
}
