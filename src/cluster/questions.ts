/** What a node asks of another beside what brokers say: by name, with plain arguments and answers, as JSON. */
import type { Msg } from '@nats-io/transport-node'
import type { Membership } from './membership.ts'
import type { Wire } from './wire.ts'

/** A node that is alive answers within it, however busy. */
const ANSWER_MS_MAX = 3000

interface Question {
  readonly name: string
  readonly args: readonly unknown[]
}

/** `error`: it could not be answered. */
interface Reply {
  readonly value?: unknown
  readonly error?: string
}

export interface NodeAnswer {
  readonly node: string
  readonly value: unknown
}

export interface AllAnswers {
  readonly answers: readonly NodeAnswer[]
  /** Nodes that have not said anything, by name. */
  readonly silent: readonly string[]
}

export type Answers = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export interface QuestionsOptions {
  /** In front of every subject. */
  readonly name: string
  readonly node: string
}

export class Questions {
  private readonly wire: Wire
  private readonly options: QuestionsOptions
  private readonly membership: Membership
  private readonly more: Answers

  /** @param more What is answered beside, from when others are: it may be put there later. */
  constructor(wire: Wire, options: QuestionsOptions, membership: Membership, more: Answers = {}) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.more = more
  }

  /** Answers what other nodes ask from now on. */
  answerWith(answers: Answers): void {
    const subject = this.subjectOf(this.options.node)
    this.wire.listen(subject, (message) => void this.answer(message, answers))
  }

  private async answer(message: Msg, answers: Answers): Promise<void> {
    const data = await answerTo(message, { ...answers, ...this.more })
    const isTooLarge = this.wire.isTooLarge(data)
    this.wire.reply(message, isTooLarge ? bytesOf({ error: 'the answer is too large' }) : data)
  }

  /** Asks one node; null: it does not answer. Throws what to tell a person when it cannot. */
  async askOne(
    node: string,
    name: string,
    args: readonly unknown[],
  ): Promise<{ value: unknown } | null> {
    const text = questionOf(name, args)
    const answer = await this.wire.request(this.subjectOf(node), text, ANSWER_MS_MAX)
    if (answer === null) return null
    const { value, error } = replyOf(answer)
    if (error !== undefined) throw new Error(`node ${node}: ${error}`)
    return { value }
  }

  /** Asks all other nodes that serve clients. Who does not answer, or cannot, such as one of another version, is named. */
  async askAll(name: string, args: readonly unknown[]): Promise<AllAnswers> {
    const others = this.membership.others()
    const all = await Promise.all(others.map(({ node }) => this.tryOne(node, name, args)))
    const answers: NodeAnswer[] = []
    const silent: string[] = []
    for (const [index, { node }] of others.entries()) {
      const answer = all[index]
      if (answer === null) silent.push(node)
      else if (answer !== 'unheard') answers.push({ node, value: answer.value })
    }
    return { answers, silent: silent.sort() }
  }

  /** 'unheard': it serves nobody, not yet or not any more. null: it does not answer, or cannot. */
  private async tryOne(
    node: string,
    name: string,
    args: readonly unknown[],
  ): Promise<{ value: unknown } | 'unheard' | null> {
    const answer = await this.wire.tryRequest(
      this.subjectOf(node),
      questionOf(name, args),
      ANSWER_MS_MAX,
    )
    if (answer === null || answer === 'unheard') return answer
    const { value, error } = replyOf(answer)
    return error === undefined ? { value } : null
  }

  /** Whether another node serves clients: only then it listens. One that listens and does not answer may be busy. */
  async isAnyServing(): Promise<boolean> {
    const text = questionOf('', [])
    const answers = await Promise.all(
      this.membership
        .others()
        .map(({ node }) => this.wire.tryRequest(this.subjectOf(node), text, ANSWER_MS_MAX)),
    )
    return answers.some((answer) => answer !== 'unheard')
  }

  private subjectOf(node: string): string {
    return `${this.options.name}.ctl.${node}.ask`
  }
}

function questionOf(name: string, args: readonly unknown[]): string {
  return JSON.stringify({ name, args } satisfies Question)
}

function replyOf({ data }: Msg): Reply {
  return JSON.parse(decoder.decode(data)) as Reply
}

function bytesOf(reply: Reply): Uint8Array {
  return encoder.encode(JSON.stringify(reply))
}

async function answerTo({ data }: Msg, answers: Answers): Promise<Uint8Array> {
  try {
    const { name, args } = JSON.parse(decoder.decode(data)) as Question
    if (!Object.hasOwn(answers, name)) return bytesOf({ error: `it knows nothing of "${name}"` })
    return bytesOf({ value: await answers[name](...(args as never[])) })
  } catch (error) {
    return bytesOf({ error: (error as Error).message })
  }
}
