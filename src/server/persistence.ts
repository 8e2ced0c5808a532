/** Which store the broker has, and where. */
import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LogType, type Log } from '../base/log.ts'
import type { Store } from '../ports/store.ts'
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

const DEFAULT_NAME = 'mozzie.db'

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
    return { location: join(state, 'mozzie', DEFAULT_NAME), sync }
  }
  if (!global.persistence || refused) return null
  const directory =
    process.env['MOSQUITTO_PERSISTENCE_LOCATION'] || global.persistenceLocation || process.cwd()
  const { persistenceFile } = global
  const name = persistenceFile === null ? DEFAULT_NAME : besideFile(directory, persistenceFile)
  return { location: join(directory, name), sync }
}

const SUFFIX = '.mozzie'

/**
 * `persistence_file` is the name of mosquitto's database, there or yet to come: a directory of that name would keep
 * mosquitto from starting again. So ours has a name beside it, unless what is there is a store of LevelDB already, a
 * backup for instance.
 */
function besideFile(directory: string, name: string): string {
  const isOurs = name.endsWith(SUFFIX) || existsSync(join(directory, name, 'CURRENT'))
  return isOurs ? name : `${name}${SUFFIX}`
}

export function createStore(persistence: Persistence | null, log: Log): Store {
  if (persistence === null)
    return createMemoryStore(new MemoryData(), {
      node: 'local',
      defer: queueMicrotask,
      alone: true,
    })
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
  if (sync !== 'always') log.write(LogType.warning, `Warning: ${WEAKNESS_OF[sync]}`)
  const theirs = location.endsWith(SUFFIX) ? location.slice(0, -SUFFIX.length) : ''
  if (theirs !== '' && statSync(theirs, { throwIfNoEntry: false })?.isFile())
    log.write(
      LogType.notice,
      `${theirs} is a database of mosquitto and left alone; ` +
        'bring its content over with: mozzie import-db FILE --into DIR',
    )
}

const WEAKNESS_OF = {
  interval:
    '"persistence_sync interval": a power cut can lose what was acknowledged within the last second.',
  never:
    '"persistence_sync never": a power cut can lose what was acknowledged; only a crash of the broker cannot.',
}
