/** What the first thread asks the others, and who waits for what to have been said by all of them. */
import type { Worker } from 'node:worker_threads'
import { HttpError } from '../admin/http-error.ts'
import type { Answer, AskArguments, AskName, AskThreads } from './thread-asks.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

/** A thread that does not answer by then hangs. */
const ANSWER_MS_MAX = 5000

/** Asked and not answered yet. */
interface Question {
  readonly timer: NodeJS.Timeout
  resolve(value: unknown): void
  reject(error: Error): void
}

export class Questions {
  private readonly workers: readonly Worker[]
  private readonly asked = new Map<number, Question>()
  private lastAsked = 0

  /** `workers`: those of the moment in which something is asked. */
  constructor(workers: readonly Worker[]) {
    this.workers = workers
  }

  readonly ask: AskThreads = <Name extends AskName>(name: Name, ...args: AskArguments<Name>) =>
    Promise.all(this.workers.map((worker) => this.askOne<Name>(worker, name, args)))

  private askOne<Name extends AskName>(
    worker: Worker,
    name: Name,
    args: readonly unknown[],
  ): Promise<Answer<Name>> {
    return new Promise((resolve, reject) => {
      const number = ++this.lastAsked
      const timer = setTimeout(() => {
        this.asked.delete(number)
        reject(new HttpError(503, 'A thread does not answer: it is busy.'))
      }, ANSWER_MS_MAX).unref()
      this.asked.set(number, { timer, resolve, reject })
      worker.postMessage({ kind: 'ask', number, name, args } satisfies ToThread)
    })
  }

  answered({ number, value, error }: Extract<FromThread, { kind: 'answer' }>): void {
    const question = this.asked.get(number)
    if (question === undefined) return
    this.asked.delete(number)
    clearTimeout(question.timer)
    if (error === null) question.resolve(value)
    else question.reject(new HttpError(503, `A thread does not answer: ${error}`))
  }
}

/** What every thread says once: it listens, it is ready, it has stopped. */
export class RollCall {
  private readonly count: number
  private readonly onLate: (kind: FromThread['kind']) => void
  private readonly heard = new Map<FromThread['kind'], number>()
  private waiting: (() => void)[] = []

  /** `count`: of the threads that say it. */
  constructor(count: number, onLate: (kind: FromThread['kind']) => void) {
    this.count = count
    this.onLate = onLate
  }

  hear(kind: FromThread['kind']): void {
    this.heard.set(kind, (this.heard.get(kind) ?? 0) + 1)
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** Resolves when all threads have said this, or after `msMax`; null: however long it takes. */
  all(kind: FromThread['kind'], msMax: number | null): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if ((this.heard.get(kind) ?? 0) < this.count) return void this.waiting.push(look)
        clearTimeout(timer)
        resolve()
      }
      const giveUp = (): void => {
        this.onLate(kind)
        resolve()
      }
      const timer = msMax === null ? undefined : setTimeout(giveUp, msMax).unref()
      look()
    })
  }
}
