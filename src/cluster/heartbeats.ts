/**
 * The stream that heartbeats are written into. It is in the memory of the NATS servers: when all that have it restart it is
 * empty, or not there, while leases that were written into it go on. So it has a life, an entry of whoever comes first:
 *
 *     NAME.n.life.id      the same as ever: every lease that may still run is in the stream
 *                         another one, or none: what was in it is lost
 *
 * The life that nodes have last joined in is kept on disk too. Who joins and finds another one waits for a lease, for nobody
 * can tell him of whom he has to know; after it every node that goes on has written into the stream that there is.
 */
import { randomBytes } from 'node:crypto'
import { LogType, type Log } from '../base/log.ts'
import { NO_MESSAGE, NO_STREAM, WRONG_LAST, type ApiProblem } from './failures.ts'
import { heartbeatStream, type StreamSettings } from './streams.ts'
import { tokenFor } from './tokens.ts'
import { isFailure, pause, type Wire } from './wire.ts'

const ASK_MS = 1000
const RETRY_MS = 200
/** What a lease may end later by than who waits for it counts. */
const SPARE_MS = 200
/** Of the record. */
const KEY = 'heartbeats'

export interface HeartbeatsOptions extends StreamSettings {
  readonly leaseMs: number
  readonly log: Log
}

interface Found {
  readonly message?: { readonly data?: string }
  readonly error?: ApiProblem
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Heartbeats {
  private readonly wire: Wire
  private readonly options: HeartbeatsOptions

  constructor(wire: Wire, options: HeartbeatsOptions) {
    this.wire = wire
    this.options = options
  }

  private get subject(): string {
    return `${this.options.name}.n.life.id`
  }

  /** The life that the stream has; empty: none. null: nobody has said so in time. */
  async life(timeoutMs = ASK_MS): Promise<string | null> {
    const found = await this.look(timeoutMs)
    return found === 'gone' ? '' : found
  }

  /** 'gone': there is no such stream. */
  private async look(timeoutMs = ASK_MS): Promise<string | null> {
    const question = JSON.stringify({ last_by_subj: this.subject })
    const subject = `$JS.API.STREAM.MSG.GET.${this.options.name}_N`
    const answer = await this.wire.request(subject, question, timeoutMs)
    if (answer === null) return null
    const { message, error } = JSON.parse(decoder.decode(answer.data)) as Found
    if (message !== undefined) return Buffer.from(message.data ?? '', 'base64').toString()
    if (error?.err_code === NO_MESSAGE) return ''
    return error?.err_code === NO_STREAM ? 'gone' : null
  }

  /** Resolves to the life that the stream has, which is made if it is not there. */
  async begin(): Promise<string> {
    for (; !this.wire.isClosed; await pause(RETRY_MS)) {
      const found = await this.look()
      if (found === null) continue
      if (found === 'gone') await this.make()
      else if (found !== '') return found
      else await this.putLife()
    }
    throw new Error('the connection is closed')
  }

  /** As it is, if another node was faster. */
  private async make(): Promise<void> {
    const config = heartbeatStream(this.options)
    await this.wire.request(`$JS.API.STREAM.CREATE.${config.name}`, JSON.stringify(config), ASK_MS)
  }

  private async putLife(): Promise<void> {
    const id = encoder.encode(randomBytes(12).toString('base64url'))
    await this.wire.put(this.subject, id, { 'Nats-Expected-Last-Subject-Sequence': '0' })
  }

  /** Resolves to the life in which every lease is that may still run. */
  async enter(): Promise<string> {
    for (let life = await this.begin(); !this.wire.isClosed; life = await this.begin()) {
      const { known, sequence } = await this.kept()
      if (known === life) return life
      if (known !== '') {
        await this.waitForLeases()
        if ((await this.begin()) !== life) continue
      }
      const data = encoder.encode(JSON.stringify({ key: KEY, value: life }))
      const outcome = await this.wire.putUntilAnswered(this.keptAt, data, {
        'Nats-Expected-Last-Subject-Sequence': String(sequence),
      })
      if (!isFailure(outcome)) return life
      // Without room the next one who joins waits as well.
      if (outcome.code !== WRONG_LAST && known !== '') return life
      await pause(RETRY_MS)
    }
    throw new Error('the connection is closed')
  }

  private async waitForLeases(): Promise<void> {
    const { leaseMs, log } = this.options
    log.write(
      LogType.warning,
      `Warning: NATS has lost which nodes there are: it was restarted. This one waits ${leaseMs / 1000} s, until it knows of all that have gone on.`,
    )
    await pause(leaseMs + SPARE_MS)
  }

  /** Where the records of all nodes are, as one of them. */
  private get keptAt(): string {
    return `${this.options.name}.k.${tokenFor(KEY)}`
  }

  private async kept(): Promise<{ known: string; sequence: number }> {
    const entry = await this.wire.readOne(`${this.options.name}_K`, { last_by_subj: this.keptAt })
    if (entry === null) return { known: '', sequence: 0 }
    const { value } = JSON.parse(decoder.decode(entry.data)) as { value: string }
    return { known: value, sequence: entry.sequence }
  }
}
