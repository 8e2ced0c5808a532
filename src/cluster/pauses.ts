/**
 * What operators have paused, whichever node runs it: a record that all nodes follow, so who takes it over finds it paused.
 * As with a broker of its own, a pause does not outlive those who serve: it ends when all nodes have ended.
 */
import type { Questions } from './questions.ts'
import type { Records } from './records.ts'

const KEY = 'paused'

export class Pauses {
  private readonly records: Records
  private readonly questions: Questions
  private seen = 0
  /** Told when something else is paused. */
  onChange: () => void = () => {}

  constructor(records: Records, questions: Questions) {
    this.records = records
    this.questions = questions
  }

  has(name: string): boolean {
    return this.names.includes(name)
  }

  private get names(): readonly string[] {
    return this.records.get<readonly string[]>(KEY).value ?? []
  }

  /** Resolves when it is written. Throws when NATS does not take it. */
  async set(name: string, isPaused: boolean): Promise<void> {
    while (this.has(name) !== isPaused) {
      const { sequence } = this.records.get(KEY)
      const others = this.names.filter((one) => one !== name)
      const isWritten = await this.records.swap(
        KEY,
        isPaused ? [...others, name] : others,
        sequence,
      )
      if (!isWritten && this.records.get(KEY).sequence === sequence)
        throw new Error('NATS does not take the change')
    }
  }

  /** Before this node serves: forgets what was paused by nodes that have all ended since. */
  async endIfAlone(): Promise<void> {
    const { sequence } = this.records.get(KEY)
    if (this.names.length === 0 || (await this.questions.isAnyServing())) return
    // Somebody was faster: what there is now is of nodes that serve, or nothing. In doubt it stays.
    await this.records.swap(KEY, [], sequence).catch(() => false)
  }

  /** A record has changed. */
  look(): void {
    const { sequence } = this.records.get(KEY)
    if (sequence === this.seen) return
    this.seen = sequence
    this.onChange()
  }
}
