/** The file of a node that has its users, groups and roles from the cluster: a copy, which is written when there is time. */
import { setTimeout as pause } from 'node:timers/promises'
import { LogType, type Log } from '../base/log.ts'
import type { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import { piecesOf } from '../auth/dynamic/write-state.ts'
import { replaceFile } from '../auth/replace-file.ts'
import { inTurns } from '../cluster/lines.ts'

/** Between two copies: so many times as long as the last one took. */
const REST_TIMES = 10
const REST_MS_MIN = 1000
const REST_MS_MAX = 10_000

export interface UsersCopy {
  /** The state is another one: it is copied at once, or when the copy before is that long ago. */
  due(): void
}

export function createCopy(dynamic: DynamicSecurity, log: Log): UsersCopy {
  let isDue = false
  let isAtWork = false

  const work = async (): Promise<void> => {
    isAtWork = true
    while (isDue) {
      isDue = false
      const startMs = performance.now()
      await write(dynamic, log)
      const restMs = REST_TIMES * (performance.now() - startMs)
      const boundedMs = Math.min(Math.max(restMs, REST_MS_MIN), REST_MS_MAX)
      // Nobody stays for it.
      await pause(boundedMs, undefined, { ref: false })
    }
    isAtWork = false
  }

  return {
    due() {
      isDue = true
      if (!isAtWork) void work()
    },
  }
}

async function write({ file, state }: DynamicSecurity, log: Log): Promise<void> {
  const pieces: string[] = []
  await inTurns(piecesOf(state), (piece) => void pieces.push(piece))
  try {
    await replaceFile(file, pieces.join(''))
  } catch (error) {
    const why = (error as Error).message
    log.write(LogType.warning, `Warning: ${file} is no copy of the cluster's users: ${why}.`)
  }
}
