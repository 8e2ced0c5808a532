/**
 * Are the streams still those that this node has followed since it joined? One that was deleted, and one that was made anew,
 * counts from 1 again: what came before is gone, and copies of what comes would be taken for old.
 */
import { ClusterError } from './failures.ts'
import type { Wire } from './wire.ts'

interface StreamList {
  readonly total: number
  readonly streams:
    readonly { readonly config: { readonly name: string }; readonly created: string }[] | null
}

export class StreamWatch {
  private readonly wire: Wire
  private readonly name: string
  private first: ReadonlyMap<string, string> = new Map()

  constructor(wire: Wire, name: string) {
    this.wire = wire
    this.name = name
  }

  async start(): Promise<void> {
    this.first = await this.list()
  }

  /** Throws {@link ClusterError} when one is another, or is gone. */
  async check(): Promise<void> {
    const now = await this.list()
    for (const [stream, created] of this.first)
      if (now.get(stream) !== created)
        throw new ClusterError(
          `the stream ${stream} was ${now.has(stream) ? 'made anew' : 'deleted'}`,
        )
  }

  /** When each was made. */
  private async list(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (let offset = 0; ;) {
      const body = { offset, subject: `${this.name}.>` }
      const { total, streams } = await this.wire.api<StreamList>('STREAM.LIST', body)
      for (const { config, created } of streams ?? []) found.set(config.name, created)
      offset += streams?.length ?? 0
      if (offset >= total || (streams?.length ?? 0) === 0) return found
    }
  }
}
