/** Does the configuration parse? */
import { accessSync, constants } from 'node:fs'
import type { ConfigError } from '../../config/config-error.ts'
import type { Config } from '../../config/config.ts'
import { checkConfig, loadConfig } from '../../config/files.ts'
import { openListenerWarning } from '../../config/warnings.ts'
import type { Tell } from './finding.ts'

/** @returns null: it cannot be used, and what rests on it cannot be looked at. */
export function examineConfiguration(file: string | null, tell: Tell): Config | null {
  if (file === null) {
    tell('good', 'configNone')
    return loadConfig(null)
  }
  const { problems, warnings } = checkConfig(file)
  for (const problem of problems)
    if (isReadable(file))
      tell('bad', 'configWrong', { file, place: placeOf(problem), message: problem.message })
    else tell('bad', 'configUnreadable', { file, message: problem.message })
  if (problems.length > 0) return null
  const config = loadConfig(file)
  tell('good', 'configRight', { files: config.loadedFiles.join(', ') })
  // The listeners are looked at next.
  const saidThere = new Set(config.listeners.map(({ port }) => openListenerWarning(port)))
  for (const warning of warnings.filter(({ text }) => !saidThere.has(text)))
    tell('note', 'configWarning', { place: placeOf(warning), message: warning.text })
  return config
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

export function placeOf({ file, line }: Pick<ConfigError, 'file' | 'line'>): string {
  return line === 0 ? file : `${file}:${line}`
}
