/**
 * Are the streams still those that this node has followed since it joined? One that was deleted, and one that was made anew,
 * counts from 1 again: what came before is gone, and copies of what comes would be taken for old. Heartbeats have a watch of
 * their own, for they may be lost (`heartbeats.ts`).
 */
import { ClusterError } from './failures.ts'
import { pause, type Wire } from './wire.ts'

interface StreamPage {
  readonly total: number
  readonly streams:
    readonly { readonly config: { readonly name: string }; readonly created: string }[] | null
  /** They exist, and the server that leads them did not answer. */
  readonly missing?: readonly string[] | null
}

interface StreamList {
  /** When each was made. */
  readonly created: ReadonlyMap<string, string>
  readonly silent: ReadonlySet<string>
}

const RETRY_MS = 500
const CONFIRM_MS = 2000

export class StreamWatch {
  private readonly wire: Wire
  private readonly name: string
  private first: ReadonlyMap<string, string> = new Map()

  constructor(wire: Wire, name: string) {
    this.wire = wire
    this.name = name
  }

  /** Resolves when each stream has been seen. */
  async start(): Promise<void> {
    for (;;) {
      const { created, silent } = await this.list()
      const kept = [...created].filter(([stream]) => stream !== `${this.name}_N`)
      this.first = new Map(kept)
      if (silent.size === 0) return
      await pause(RETRY_MS)
    }
  }

  /** Throws {@link ClusterError} when one is another, or is gone. */
  async check(): Promise<void> {
    const lost = await this.findLost()
    if (lost.length === 0) return
    // Servers that start or elect tell for a moment of fewer streams than there are.
    await pause(CONFIRM_MS)
    const still = await this.findLost()
    const gone = lost.find((stream) => still.includes(stream))
    if (gone !== undefined) throw new ClusterError(`the stream ${gone} was deleted`)
  }

  private async findLost(): Promise<string[]> {
    const { created, silent } = await this.list()
    const lost: string[] = []
    for (const [stream, wasCreated] of this.first) {
      const isCreated = created.get(stream)
      if (isCreated === wasCreated || silent.has(stream)) continue
      if (isCreated !== undefined) throw new ClusterError(`the stream ${stream} was made anew`)
      lost.push(stream)
    }
    return lost
  }

  private async list(): Promise<StreamList> {
    const created = new Map<string, string>()
    const silent = new Set<string>()
    for (let offset = 0; ;) {
      const body = { offset, subject: `${this.name}.>` }
      const page = await this.wire.api<StreamPage>('STREAM.LIST', body)
      const streams = page.streams ?? []
      for (const { config, created: at } of streams) created.set(config.name, at)
      for (const stream of page.missing ?? []) silent.add(stream)
      const count = streams.length + (page.missing?.length ?? 0)
      offset += count
      if (offset >= page.total || count === 0) return { created, silent }
    }
  }
}
