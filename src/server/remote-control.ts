/** `$CONTROL` in a thread beside the first: commands are carried out there. */
import type { Control, Identity } from '../ports/ports.ts'
import type { RunningListener } from './listeners.ts'
import type { FromThread, ThreadCommand } from './thread-messages.ts'
import { plain } from './thread-observer.ts'

export interface RemoteControl {
  readonly port: Control
  /** A command is through. */
  done(number: number): void
}

export function createRemoteControl(
  tell: (message: FromThread) => void,
  listeners: () => readonly RunningListener[],
): RemoteControl {
  const waiting = new Map<number, () => void>()
  let last = 0
  return {
    port: {
      command: (who, topic, payload) =>
        new Promise((resolve) => {
          const listener = listeners().find(({ options }) => options === who.listener)?.name ?? ''
          const command = { who: plain(who), listener, topic, payload }
          waiting.set(++last, resolve)
          tell({ kind: 'command', number: last, command })
        }),
    },
    done(number) {
      waiting.get(number)?.()
      waiting.delete(number)
    },
  }
}

/** Carries out a command that came to another thread. */
export async function carryOutFor(
  control: Control,
  { who, listener, topic, payload }: ThreadCommand,
  listeners: readonly RunningListener[],
): Promise<void> {
  const running = listeners.find(({ name }) => name === listener)
  const known: Identity = { ...who, listener: running?.options ?? null }
  await control.command(known, topic, payload)
}
