/** Messages sent by the clock: repeated, one a CSV row, a capture replayed, retained ones cleared. */
import { reasonText } from '../../../src/codec/reason-codes.ts'
import type { JobState, RowResult } from '../protocol/protocol.ts'
import type { Outgoing } from '../publish/outgoing.ts'
import type { Outcome } from './link.ts'

/** What makes the next message, and when it is due, milliseconds after the job's start; null: that was all. */
export type NextMessage = (
  sent: number,
) => { dueMs: number; message: () => Outgoing | Promise<Outgoing> } | null

interface Job {
  id: string
  kind: JobState['kind']
  total: number | null
  next: NextMessage
  startMs: number
  sent: number
  confirmed: number
  unanswered: number
  failed: number
  problem: string | null
  running: boolean
  /** Of each message, by its number from 0. */
  results: Map<number, Pick<RowResult, 'result' | 'reason'>>
  rows: Rows
}

/** Of a job that sends the rows of a table. */
interface Rows {
  /** The row that a message is of, from 0. */
  of: (sent: number) => number
  /** What became of the rows that this job does not send. */
  others: readonly RowResult[]
}

const ALL_ROWS: Rows = { of: (sent) => sent, others: [] }

/** Unconfirmed messages of all jobs together; a broker that is slower than the clock sets the pace. */
const UNCONFIRMED_MAX = 200
const FINISHED_MAX = 5
const RESULTS_MAX = 100_000

export class Jobs {
  private readonly jobs: Job[] = []
  private readonly publish: (message: Outgoing) => Promise<Outcome>
  private readonly onChange: () => void

  constructor(publish: (message: Outgoing) => Promise<Outcome>, onChange: () => void) {
    this.publish = publish
    this.onChange = onChange
  }

  start(
    id: string,
    kind: JobState['kind'],
    total: number | null,
    next: NextMessage,
    rows = ALL_ROWS,
  ): void {
    const job: Job = {
      id,
      kind,
      total,
      next,
      startMs: performance.now(),
      sent: 0,
      confirmed: 0,
      unanswered: 0,
      failed: 0,
      problem: null,
      running: true,
      results: new Map(),
      rows,
    }
    const finished = this.jobs.filter(({ running }) => !running)
    for (const old of finished.slice(0, Math.max(0, finished.length - FINISHED_MAX + 1))) {
      this.jobs.splice(this.jobs.indexOf(old), 1)
    }
    this.jobs.push(job)
    this.onChange()
    void this.run(job)
  }

  stop(id: string): void {
    for (const job of this.jobs) if (job.id === id) job.running = false
    this.onChange()
  }

  /** In the order of the rows. */
  results(id: string): RowResult[] {
    const job = this.jobs.find((other) => other.id === id)
    if (job === undefined) return []
    const { rows, results } = job
    const own = [...results].map(([at, { result, reason }]) => ({
      row: rows.of(at) + 1,
      result,
      reason,
    }))
    return [...rows.others, ...own].sort((left, right) => left.row - right.row)
  }

  /** Sends again, as a job of its own, what failed of this one. */
  retry(id: string, newId: string): void {
    const job = this.jobs.find((other) => other.id === id)
    if (job === undefined || job.running) return
    const failed = [...job.results]
      .filter(([, { result }]) => result === 'failed')
      .map(([at]) => at)
    const others = this.results(id).filter(({ result }) => result !== 'failed')
    this.jobs.splice(this.jobs.indexOf(job), 1)
    this.start(
      newId,
      job.kind,
      failed.length,
      (sent) => {
        const at = failed[sent]
        if (at === undefined) return null
        const step = job.next(at)
        return step === null ? null : { ...step, dueMs: 0 }
      },
      { of: (sent) => job.rows.of(failed[sent] ?? 0), others },
    )
  }

  stopAll(): void {
    for (const job of this.jobs) job.running = false
    this.onChange()
  }

  states(): JobState[] {
    return this.jobs.map((job) => ({
      id: job.id,
      kind: job.kind,
      total: job.total,
      sent: job.sent,
      confirmed: job.confirmed,
      unanswered: job.unanswered,
      failed: job.failed,
      problem: job.problem,
      running: job.running,
    }))
  }

  private async run(job: Job): Promise<void> {
    while (job.running) {
      const step = job.next(job.sent)
      if (step === null) break
      await this.waitUntil(job, step.dueMs)
      if (!job.running) break
      try {
        // Not before: it may say what time it is.
        const message = await step.message()
        void this.send(job, message, job.sent++)
      } catch (error) {
        this.fail(job, job.sent++, error instanceof Error ? error.message : String(error))
      }
      this.onChange()
    }
    job.running = false
    this.onChange()
  }

  /** Until the message is due by the job's start, not by the message before: no drift. */
  private async waitUntil(job: Job, dueMs: number): Promise<void> {
    for (;;) {
      const waitMs = job.startMs + dueMs - performance.now()
      const done = job.confirmed + job.unanswered + job.failed
      const crowded = job.sent - done >= UNCONFIRMED_MAX
      if (!job.running || (waitMs <= 0 && !crowded)) return
      await new Promise((resolve) => setTimeout(resolve, crowded ? 5 : Math.min(waitMs, 250)))
    }
  }

  private async send(job: Job, message: Outgoing, at: number): Promise<void> {
    try {
      const { code, reason } = await this.publish(message)
      if (code >= 0x80) this.fail(job, at, [reasonText(code), reason].filter(Boolean).join(': '))
      else {
        const isAnswered = message.qos > 0
        if (isAnswered) job.confirmed++
        else job.unanswered++
        if (job.kind === 'csv')
          job.results.set(at, { result: isAnswered ? 'ok' : 'sent', reason: '' })
      }
    } catch (error) {
      this.fail(job, at, error instanceof Error ? error.message : String(error))
    }
    this.onChange()
  }

  private fail(job: Job, at: number, problem: string): void {
    job.failed++
    job.problem = problem
    if (job.results.size < RESULTS_MAX) job.results.set(at, { result: 'failed', reason: problem })
  }
}
