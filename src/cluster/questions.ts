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

type Answers = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

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

  constructor(wire: Wire, options: QuestionsOptions, membership: Membership) {
    this.wire = wire
    this.options = options
    this.membership = membership
  }

  /** Answers what other nodes ask from now on. */
  answerWith(answers: Answers): void {
    const subject = this.subjectOf(this.options.node)
    this.wire.listen(subject, (message) => void this.answer(message, answers))
  }

  private async answer(message: Msg, answers: Answers): Promise<void> {
    const data = await answerTo(message, answers)
    const isTooLarge = this.wire.isTooLarge(data)
    this.wire.reply(message, isTooLarge ? bytesOf({ error: 'the answer is too large' }) : data)
  }

  /** Asks one node; null: it does not answer. Throws what to tell a person when it cannot. */
  async askOne(
    node: string,
    name: string,
    args: readonly unknown[],
  ): Promise<{ value: unknown } | null> {
    const text = JSON.stringify({ name, args } satisfies Question)
    const answer = await this.wire.request(this.subjectOf(node), text, ANSWER_MS_MAX)
    if (answer === null) return null
    const { value, error } = JSON.parse(decoder.decode(answer.data)) as Reply
    if (error !== undefined) throw new Error(`node ${node}: ${error}`)
    return { value }
  }

  /** Asks all other nodes; one that does not answer, or cannot, such as one of a version that does not know of it, is left out. */
  async askEach(name: string, args: readonly unknown[]): Promise<NodeAnswer[]> {
    const all = await Promise.all(
      this.membership.others().map(async ({ node }) => {
        const answer = await this.askOne(node, name, args).catch(() => null)
        return answer === null ? [] : [{ node, value: answer.value }]
      }),
    )
    return all.flat()
  }

  /** Whether another node serves clients: only then it listens. One that listens and does not answer may be busy. */
  async isAnyServing(): Promise<boolean> {
    const text = JSON.stringify({ name: '', args: [] } satisfies Question)
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

  /** Asks all other nodes; one that does not answer, for it has just died, is left out. */
  async askAll(name: string, args: readonly unknown[]): Promise<unknown[]> {
    const others = this.membership.others()
    const all = await Promise.all(others.map(({ node }) => this.askOne(node, name, args)))
    return all.flatMap((answer) => (answer === null ? [] : [answer.value]))
  }
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
