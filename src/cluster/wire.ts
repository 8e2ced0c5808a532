/**
 * The connection to the NATS servers, and what is asked of JetStream over it. A publish to a stream is a plain publish
 * with an answer to an inbox of ours: many are under way at once, which the client library's own way does not do as fast.
 */
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import {
  ApiError,
  isPassing,
  NO_MESSAGE,
  NO_RESPONDERS,
  NO_STREAM,
  TOO_LARGE,
  type ApiProblem,
  type Failure,
} from './failures.ts'
import { untilDenied } from './rights.ts'

/** How long one publish or request may go unanswered. */
const ANSWER_MS_MAX = 5000
const SWEEP_MS = 500
export const HEADER_BYTES_MAX = 1024
/** A stream that was just made, here or at another node, is not known everywhere at once. */
const NEW_STREAM_MS_MAX = 10_000
/** Between two attempts at what no server answers: a leader is being elected. */
const RETRY_MS = 100
/** By then a server that leads no more knows it. */
const STALE_MS_MAX = 15_000

/** Where in a stream a message was put. */
export interface Stored {
  readonly sequence: number
  readonly isDuplicate: boolean
}

export type Outcome = Stored | Failure

export function isFailure(outcome: Outcome): outcome is Failure {
  return 'kind' in outcome
}

/** What hears the answers to one question; null: none came in time. `waiting`: itself. */
type Answer = (message: Msg | null, waiting: Waiting) => void

interface Waiting {
  dueMs: number
  readonly answer: Answer
}

/** A stored message as a server gives it. */
export interface StreamEntry {
  readonly subject: string
  readonly sequence: number
  /** Of its own: it stands on no one else's bytes. */
  readonly data: Uint8Array
  /** Entries of the same question that are behind it; of one that was asked for by itself 1, for nobody has counted. */
  readonly pending: number
}

export type Headers = Readonly<Record<string, string>>

interface NatsLibrary {
  readonly headers: () => MsgHdrs
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const NO_DATA = new Uint8Array(0)

export class Wire {
  readonly nc: NatsConnection
  private readonly library: NatsLibrary
  private readonly inbox: string
  /** By the last word of the subject that the answer comes to. */
  private readonly waiting = new Map<string, Waiting>()
  private readonly sweeper: NodeJS.Timeout
  private lastReply = 0
  private hasEnded = false
  /** Rejects when a server does not let us do something: whoever asks for it would wait for ever. */
  readonly denied: Promise<never>

  constructor(nc: NatsConnection, library: NatsLibrary, inbox: string) {
    this.nc = nc
    this.library = library
    this.inbox = inbox
    this.listen(`${inbox}.*`, (message) => this.answered(message))
    this.denied = untilDenied(nc)
    this.denied.catch(() => {
      // Whoever waits for it is told as well.
    })
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS)
  }

  get isClosed(): boolean {
    return this.hasEnded || this.nc.isClosed()
  }

  async close(): Promise<void> {
    this.end()
    if (!this.nc.isClosed()) await this.nc.flush().catch(() => {})
    await this.nc.close()
  }

  /** Ends without a word. */
  async cut(): Promise<void> {
    this.end()
    await this.nc.close()
  }

  private end(): void {
    clearInterval(this.sweeper)
    this.hasEnded = true
    this.sweep()
  }

  /** A subject for answers that nobody else has. */
  newInbox(): string {
    return `${this.inbox}r.${++this.lastReply}`
  }

  /** Calls `take` with every message of a subject; returns what ends it. */
  listen(subject: string, take: (message: Msg) => void): () => void {
    if (this.isClosed) return () => {}
    const subscription = this.nc.subscribe(subject, {
      callback: (error, message) => {
        // An exception here would close the connection.
        if (error === null) guarded(() => take(message))
      },
    })
    return () => {
      if (!this.nc.isClosed()) subscription.unsubscribe()
    }
  }

  /** Sends, and that is all: nobody says whether it came. */
  send(subject: string, data: Uint8Array, headers?: Headers, reply?: string): void {
    if (this.isClosed || this.isTooLarge(data)) return
    this.nc.publish(subject, data, {
      ...(headers === undefined ? {} : { headers: this.headersOf(headers) }),
      ...(reply === undefined ? {} : { reply }),
    })
  }

  /** Answers a question, if it asks for an answer; one whose connection has ended meanwhile is not answered. */
  reply({ reply = '' }: Msg, data: Uint8Array): void {
    if (reply !== '') this.send(reply, data)
  }

  /** Puts a message into the stream that has the subject. */
  put(subject: string, data: Uint8Array, headers?: Headers): Promise<Outcome> {
    if (this.isTooLarge(data))
      return Promise.resolve({
        kind: 'refused',
        code: TOO_LARGE,
        text: 'it is larger than max_payload',
      })
    return this.ask(subject, data, ANSWER_MS_MAX, headers).then(outcomeOf)
  }

  /**
   * One attempt at a question; null: no server or node has answered in time. The library's own way makes three errors with their
   * traces for each, should they be needed.
   */
  private ask(
    subject: string,
    data: Uint8Array,
    timeoutMs: number,
    headers?: Headers,
  ): Promise<Msg | null> {
    if (this.isClosed) return Promise.resolve(null)
    return new Promise((resolve) => {
      const answer = (message: Msg | null): void => {
        this.waiting.delete(id)
        resolve(message)
      }
      const id = this.await(answer, timeoutMs)
      this.send(subject, data, headers, `${this.inbox}.${id}`)
    })
  }

  /** Until it is taken from `waiting`, `answer` hears what comes to the returned name. */
  private await(answer: Answer, timeoutMs: number): string {
    const id = String(++this.lastReply)
    this.waiting.set(id, { dueMs: performance.now() + timeoutMs, answer })
    return id
  }

  /** What the servers take at once, beside headers. */
  get bytesMax(): number {
    return (this.nc.info?.max_payload ?? Infinity) - HEADER_BYTES_MAX
  }

  isTooLarge(data: Uint8Array): boolean {
    return data.length > this.bytesMax
  }

  /** As {@link put}, again and again until a server has answered; gives up only with the connection. */
  async putUntilAnswered(subject: string, data: Uint8Array, headers?: Headers): Promise<Outcome> {
    for (;;) {
      const outcome = await this.put(subject, data, headers)
      if (!isFailure(outcome) || outcome.kind === 'refused' || this.isClosed) return outcome
      await pause(RETRY_MS)
    }
  }

  /** Asks the JetStream API. Throws {@link ApiError} when it refuses; waits for a leader to be there. */
  async api<T>(name: string, body: object = {}): Promise<T> {
    const value = await this.askApi<T>(name, body)
    if (value.error !== undefined) throw new ApiError(name, value.error)
    return value
  }

  /** As {@link api}, the refusal being part of the answer. */
  private async askApi<T>(name: string, body: object): Promise<T & { error?: ApiProblem }> {
    const text = JSON.stringify(body)
    const startedMs = performance.now()
    for (;;) {
      const answer = await this.request(`$JS.API.${name}`, text)
      if (answer !== null) {
        const value = JSON.parse(decoder.decode(answer.data)) as T & { error?: ApiProblem }
        const { error } = value
        const isNew = performance.now() - startedMs < NEW_STREAM_MS_MAX
        if (error === undefined || !(isPassing(error) || (isNew && error.err_code === NO_STREAM)))
          return value
      }
      if (this.isClosed) throw new ApiError(name, { description: 'the connection is closed' })
      await pause(RETRY_MS)
    }
  }

  /** One attempt at a request; null: nobody is there, or nobody has answered in time. */
  async request(subject: string, data: string, timeoutMs = ANSWER_MS_MAX): Promise<Msg | null> {
    const answer = await this.tryRequest(subject, data, timeoutMs)
    return answer === 'unheard' ? null : answer
  }

  /** The same; 'unheard': no server knows of anybody who listens there. null: nobody has answered in time. */
  async tryRequest(
    subject: string,
    data: string,
    timeoutMs: number,
  ): Promise<Msg | 'unheard' | null> {
    const answer = await this.ask(subject, encoder.encode(data), timeoutMs)
    return answer?.headers?.code === NO_RESPONDERS ? 'unheard' : answer
  }

  /**
   * Up to `limit` entries of a stream from `from` on, whichever server has them: the newest may be missing. `filter`: a
   * subject, wildcards too.
   */
  readSome(stream: string, filter: string, from: number, limit: number): Promise<StreamEntry[]> {
    return this.readMany(stream, { seq: from, next_by_subj: filter, batch: limit })
  }

  /** The last entry of each of some subjects, as far as a server has heard of them. */
  lastOf(stream: string, subjects: readonly string[]): Promise<StreamEntry[]> {
    return this.readMany(stream, { multi_last: subjects })
  }

  private readMany(stream: string, question: object): Promise<StreamEntry[]> {
    if (this.isClosed) return Promise.resolve([])
    return new Promise((resolve) => {
      const entries: StreamEntry[] = []
      const end = (): void => {
        this.waiting.delete(id)
        resolve(entries)
      }
      const id = this.await((message, waiting) => {
        if (message === null || message.headers === undefined || message.headers.code !== 0)
          return end()
        const { headers, data } = message
        // A connection that was lost and is there again brings the rest: what is behind a hole is asked for again.
        const before = Number(headers.get('Nats-Last-Sequence'))
        if (before !== (entries.at(-1)?.sequence ?? 0)) return end()
        waiting.dueMs = performance.now() + ANSWER_MS_MAX
        entries.push({
          subject: headers.get('Nats-Subject'),
          sequence: Number(headers.get('Nats-Sequence')),
          pending: Number(headers.get('Nats-Num-Pending')),
          data: new Uint8Array(data),
        })
      }, ANSWER_MS_MAX)
      const text = encoder.encode(JSON.stringify(question))
      this.send(`$JS.API.DIRECT.GET.${stream}`, text, undefined, `${this.inbox}.${id}`)
    })
  }

  /** What the stream's leader has: the last of a subject, or the first from `seq` on; null: nothing. */
  async readOne(
    stream: string,
    which: { last_by_subj: string } | { seq: number; next_by_subj: string },
  ): Promise<StreamEntry | null> {
    const name = `STREAM.MSG.GET.${stream}`
    const { message, error } = await this.askApi<{ message: RawMessage }>(name, which)
    if (error?.err_code === NO_MESSAGE) return null
    if (error !== undefined) throw new ApiError(name, error)
    const data = message.data === undefined ? NO_DATA : Buffer.from(message.data, 'base64')
    return { subject: message.subject, sequence: message.seq, pending: 1, data: plain(data) }
  }

  /** As {@link readSome}, and nothing up to `target` is missing: the leader is asked about the end. */
  async readTo(
    stream: string,
    filter: string,
    from: number,
    target: number,
    limit: number,
  ): Promise<StreamEntry[]> {
    const entries = await this.readSome(stream, filter, from, limit)
    const last = entries.at(-1)
    const reached = last?.sequence ?? from - 1
    if (reached >= target || entries.length >= limit) return entries
    if (last !== undefined && last.pending > 0) return entries
    const next = await this.readNext(stream, filter, reached + 1, target)
    return next === null ? entries : [...entries, next]
  }

  /**
   * The first entry from `from` on; null: there is none up to `target`. A server that leads no more and does not know it yet,
   * for it was stopped, has not heard of what is there: who says that there is nothing must know `target`.
   */
  private async readNext(
    stream: string,
    filter: string,
    from: number,
    target: number,
  ): Promise<StreamEntry | null> {
    const endMs = performance.now() + STALE_MS_MAX
    for (let isSure = false; ;) {
      const next = await this.readOne(stream, { seq: from, next_by_subj: filter })
      if (next !== null || isSure) return next
      const { state } = await this.api<{ state: { last_seq: number } }>(`STREAM.INFO.${stream}`)
      isSure = state.last_seq >= target || performance.now() > endMs
      if (!isSure) await pause(RETRY_MS)
    }
  }

  private headersOf(fields: Headers): MsgHdrs {
    const headers = this.library.headers()
    for (const name in fields) headers.set(name, fields[name])
    return headers
  }

  private answered(message: Msg): void {
    const { subject } = message
    const waiting = this.waiting.get(subject.slice(subject.lastIndexOf('.') + 1))
    waiting?.answer(message, waiting)
  }

  private sweep(): void {
    const nowMs = performance.now()
    for (const waiting of [...this.waiting.values()])
      if (waiting.dueMs <= nowMs || this.isClosed) waiting.answer(null, waiting)
  }
}

interface RawMessage {
  readonly subject: string
  readonly seq: number
  readonly data?: string
}

interface PubAck {
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: ApiProblem
}

function outcomeOf(message: Msg | null): Outcome {
  if (message === null) return { kind: 'unanswered', code: 0, text: 'no server has answered' }
  if (message.headers?.code === NO_RESPONDERS)
    return { kind: 'unanswered', code: NO_RESPONDERS, text: 'no stream listens' }
  const answer = JSON.parse(decoder.decode(message.data)) as PubAck
  const { error } = answer
  if (error === undefined)
    return { sequence: answer.seq ?? 0, isDuplicate: answer.duplicate === true }
  const kind = isPassing(error) ? 'unanswered' : 'refused'
  return { kind, code: error.err_code ?? 0, text: error.description ?? 'refused' }
}

/** A plain array of its own bytes: a Buffer's `slice` does not copy, and a small one shares its memory. */
function plain(data: Uint8Array): Uint8Array {
  return new Uint8Array(data)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Runs what must not throw, and lets it be seen when it does. */
function guarded(run: () => void): void {
  try {
    run()
  } catch (error) {
    setImmediate(() => {
      throw error
    })
  }
}
