/** A broker that sequences are played against, as the player sees it. */
import type { Profile } from './state.ts'

/** The client's end of one network connection. */
export interface Line {
  send(bytes: Uint8Array): void
  /** Breaks the line; the server notices at once. */
  cut(): void
  /** Takes what has come since the last call. */
  take(): Uint8Array[]
  readonly isClosed: boolean
}

export interface Target {
  readonly profile: Profile
  start(): Promise<void>
  open(name: string): Promise<Line>
  nowMs(): number
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** What one turn does, in units of `Limits.workPerTurn`, and to how many receivers it delivers whatever is left of them. */
  budget(workPerTurn: number, receiversAtOnce: number): void
  restart(how: 'stop' | 'crash'): Promise<void>
  /** Resolves when nothing more will come without new input. */
  settle(): Promise<void>
  stop(): Promise<void>
}
