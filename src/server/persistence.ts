/** Which store the broker has, and where. */
import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LogType, type Log } from '../base/log.ts'
import type { Store } from '../ports/ports.ts'
import type { Config } from '../config/config.ts'
import type { SyncMode } from '../store/level/level-options.ts'
import { createLevelStore } from '../store/level/level-store.ts'
import { createMemoryStore, MemoryData } from '../store/memory-store.ts'
import { nodeClock } from './node-ports.ts'

export interface Persistence {
  /** The directory. */
  readonly location: string
  readonly sync: SyncMode
}

const defaultName = 'mozzie.db'

/**
 * What the configuration asks for; null: everything stays in memory. Without a configuration file the broker is
 * durable, in the user's state directory (`$XDG_STATE_HOME`, XDG Base Directory Specification).
 */
export function persistenceOf(
  { global }: Config,
  configFile: string | null,
  refused: boolean,
): Persistence | null {
  const sync = global.persistenceSync
  if (configFile === null) {
    if (refused) return null
    const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state')
    return { location: join(state, 'mozzie', defaultName), sync }
  }
  if (!global.persistence || refused) return null
  const directory =
    process.env['MOSQUITTO_PERSISTENCE_LOCATION'] || global.persistenceLocation || process.cwd()
  const { persistenceFile } = global
  const name = persistenceFile === null ? defaultName : besideFile(directory, persistenceFile)
  return { location: join(directory, name), sync }
}

const suffix = '.mozzie'

/**
 * `persistence_file` is the name of mosquitto's database, there or yet to come: a directory of that name would keep
 * mosquitto from starting again. So ours has a name beside it, unless what is there is a store of LevelDB already, a
 * backup for instance.
 */
function besideFile(directory: string, name: string): string {
  const isOurs = name.endsWith(suffix) || existsSync(join(directory, name, 'CURRENT'))
  return isOurs ? name : `${name}${suffix}`
}

export function createStore(persistence: Persistence | null, log: Log): Store {
  if (persistence === null)
    return createMemoryStore(new MemoryData(), { node: 'local', defer: queueMicrotask })
  return createLevelStore({
    ...persistence,
    wallMs: nodeClock.wallMs,
    warn: (text) => log.write(LogType.warning, text),
  })
}

/** Says where state is kept and what is promised of it. */
export function logPersistence(log: Log, persistence: Persistence | null): void {
  if (persistence === null) return
  const { location, sync } = persistence
  log.write(
    LogType.information,
    `Persistence: ${location}. Every change is saved as it happens; autosave_interval and autosave_on_changes have no effect.`,
  )
  if (sync !== 'always') log.write(LogType.warning, `Warning: ${weaknessOf[sync]}`)
  const theirs = location.endsWith(suffix) ? location.slice(0, -suffix.length) : ''
  if (theirs !== '' && statSync(theirs, { throwIfNoEntry: false })?.isFile())
    log.write(
      LogType.notice,
      `${theirs} is a database of mosquitto and left alone; ` +
        'bring its content over with: mozzie import-db FILE --into DIR',
    )
}

const weaknessOf = {
  interval:
    '"persistence_sync interval": a power cut can lose what was acknowledged within the last second.',
  never:
    '"persistence_sync never": a power cut can lose what was acknowledged; only a crash of the broker cannot.',
}
