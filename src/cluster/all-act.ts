/** Has every node act on something that all of them hear of, and knows when each has. */
import type { Membership } from './membership.ts'
import type { NodeView } from './node-report.ts'
import { pause, type Wire } from './wire.ts'

const ANSWER_MS_MAX = 3000
const RETRY_MS = 100

interface Told {
  /** What is to be in force, by its sequence. */
  readonly sequence: number
  readonly more: unknown
}

export interface AllActOptions {
  /** In front of every subject. */
  readonly name: string
  readonly node: string
}

const decoder = new TextDecoder()

export class AllAct {
  private readonly wire: Wire
  private readonly options: AllActOptions
  private readonly membership: Membership
  private readonly token: string

  /** `token`: of what it is about. */
  constructor(wire: Wire, options: AllActOptions, membership: Membership, token: string) {
    this.wire = wire
    this.options = options
    this.membership = membership
    this.token = token
  }

  /**
   * Answers the other nodes when this one has acted, from now on.
   *
   * @param act Resolves when what `sequence` brought is in force here.
   */
  answerWith(act: (sequence: number, more: unknown) => Promise<void>): void {
    this.wire.listen(this.subjectAt(this.options.node), (message) => {
      const { sequence, more } = JSON.parse(decoder.decode(message.data)) as Told
      void act(sequence, more).then(
        () => this.wire.reply(message, new Uint8Array(0)),
        // It is asked again.
        () => {},
      )
    })
  }

  /** Resolves when each of the other nodes of `which` has acted, or its lease has ended. */
  async tell(sequence: number, more: unknown, which: (node: NodeView) => boolean): Promise<void> {
    const text = JSON.stringify({ sequence, more } satisfies Told)
    const others = this.membership.others().filter((node) => which(node))
    await Promise.all(
      others.map(async ({ node, run }) => {
        while (this.membership.isRunAlive(node, run) && !this.wire.isClosed) {
          if ((await this.wire.request(this.subjectAt(node), text, ANSWER_MS_MAX)) !== null) return
          await pause(RETRY_MS)
        }
      }),
    )
  }

  private subjectAt(node: string): string {
    return `${this.options.name}.ctl.${node}.shared.${this.token}`
  }
}
