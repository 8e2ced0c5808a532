/** `thread_count`: how many, and what does not go with more than one. */
import { availableParallelism } from 'node:os'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'

/** How many threads a configuration asks for. */
export function threadCountOf({ global }: Config): number {
  return global.threadCount === 0 ? availableParallelism() : global.threadCount
}

/**
 * What cannot be had together with several threads yet, in words.
 *
 * @throws ConfigError
 */
export function checkThreads(config: Config): void {
  const { global, listeners } = config
  const reasons: readonly (readonly [boolean, string])[] = [
    [process.platform === 'win32', 'it is not possible on Windows'],
    [global.clusterUrls !== null, '"cluster_url"'],
  ]
  const reason = reasons.find(([holds]) => holds)?.[1]
  if (reason === undefined) return
  const location = listeners[0]?.location ?? { file: '', line: 0 }
  throw new ConfigError(`"thread_count" above 1 does not go together with ${reason} yet.`, {
    ...location,
    line: 0,
  })
}
