/** `mozzie import-db`: brings a database of mosquitto into a store of our own. */
import { existsSync } from 'node:fs'
import { chown, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { loadConfig } from '../config/files.ts'
import { wantedAccount } from '../server/privileges.ts'
import { createLevelStore } from '../store/level/level-store.ts'
import { importMosquittoDb, type ImportSummary } from '../store/mosquitto/import.ts'
import { parseMosquittoDb } from '../store/mosquitto/parse.ts'
import { runCommand, storeOf, UsageError, type StoreCommand } from './store-arguments.ts'

export const HELP = `Usage: mozzie import-db FILE [--into DIR | -c CONF]

Brings retained messages, sessions, subscriptions and queued messages of mosquitto's database FILE (versions 3 to 6)
into a new store. Stop mosquitto first: it writes its file when it stops.

      --into DIR           the new store
  -c, --config-file CONF   the store of the broker that will run with CONF, owned by the account it runs as
                           without either: the store of a broker without a configuration file
`

const command: StoreCommand = {
  help: HELP,
  options: ['config-file', 'into'],
  async run(values, places) {
    if (places.length !== 1) throw new UsageError('one file of mosquitto is needed')
    const [file] = places
    // Without a slash at its end: it is made beside the directory, not within it.
    const into = resolve(values.into ?? storeOf(values['config-file']))
    if (existsSync(into))
      throw new UsageError(
        `${into} exists already; an import makes a new store, so name another one`,
      )
    const db = parseFile(file, await readFile(file))
    const owner = await ownerOf(into, values['config-file'])
    const summary = await importInto(db, into, owner)
    process.stdout.write(reportOf(summary, file, db.version, into))
  },
}

/** Runs `mozzie import-db` with the words behind its name; sets the exit code. */
export async function runImportDb(words: readonly string[]): Promise<void> {
  await runCommand(command, words)
}

function parseFile(file: string, bytes: Uint8Array): ReturnType<typeof parseMosquittoDb> {
  try {
    return parseMosquittoDb(bytes)
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}

type Owner = Readonly<Record<'uid' | 'gid', number>>

/**
 * Whose the store is to be when root imports: of the account that the broker of this configuration runs as; without
 * one, of whoever has the directory around it.
 */
async function ownerOf(into: string, configFile: string | undefined): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null
  if (configFile !== undefined) return wantedAccount(loadConfig(configFile).global.user)
  return stat(dirname(into)).catch(() => null)
}

async function giveTo(path: string, { uid, gid }: Owner): Promise<void> {
  for (const name of await readdir(path)) await chown(join(path, name), uid, gid)
  await chown(path, uid, gid)
}

/** The store appears whole or not at all. */
async function importInto(
  db: ReturnType<typeof parseMosquittoDb>,
  into: string,
  owner: Owner | null,
): Promise<ImportSummary> {
  const partial = `${into}.partial-${process.pid}`
  try {
    const store = createLevelStore({
      location: partial,
      sync: 'always',
      wallMs: Date.now,
      warn: (text) => process.stderr.write(`${text}\n`),
    })
    const summary = await importMosquittoDb(db, store, Date.now())
    if (owner !== null) await giveTo(partial, owner)
    await rename(partial, into)
    return summary
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

function reportOf(summary: ImportSummary, file: string, version: number, into: string): string {
  const { retained, sessions, subscriptions, queued, inbound, leftOut } = summary
  const lines = [
    `Brought from ${file} (version ${version}) into ${into}: ${retained} retained messages, ` +
      `${sessions} sessions, ${subscriptions} subscriptions, ${queued} queued messages, ` +
      `${inbound} half-received messages.`,
    leftOut.size === 0
      ? 'Nothing was left out.'
      : `Left out: ${[...leftOut].map(([what, count]) => `${count} ${what}`).join('; ')}.`,
  ]
  if (version < 6 && sessions > 0)
    lines.push(
      'A file of this version does not name users: the sessions belong to anonymous clients.',
    )
  return `${lines.join('\n')}\n`
}
