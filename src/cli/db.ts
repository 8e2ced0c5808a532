/** `mozzie db`: looks into a store, or brings what is readable of a damaged one into a new one. */
import { escapeControls } from '../base/escape-controls.ts'
import { openLevel } from '../store/level/database.ts'
import { describeStore, statsOf, type Described, type StoreStats } from '../store/level/inspect.ts'
import { salvage } from '../store/level/salvage.ts'
import type { Lost } from '../store/level/salvage-files.ts'
import { withSnapshot } from '../store/level/snapshot.ts'
import { runCommand, storeOf, UsageError, type StoreCommand } from './store-arguments.ts'

export const HELP = `Usage: mozzie db stats|dump [STORE] [-c FILE] [--json]
       mozzie db salvage OLD NEW

  stats           how much a store holds, and whose queues are the longest
  dump            every record, one a line; payloads and properties in base64
  salvage         brings what is readable of the damaged store OLD into the new directory NEW; OLD is left as it is

STORE is a directory; without it the store of the broker that runs with FILE, or without a file. A running broker is
not disturbed: the store is looked at through a short-lived copy beside it.

  -c, --config-file FILE
      --json      one JSON object, or with dump one a line
`

const LOST_LINES_MAX = 20
/** Lines gathered before they are written. */
const CHUNK_CHARACTERS = 1 << 16

const command: StoreCommand = {
  help: HELP,
  options: ['config-file', 'json'],
  async run(values, [action, ...places]) {
    if (action === 'salvage') return runSalvage(places)
    if ((action !== 'stats' && action !== 'dump') || places.length > 1)
      throw new UsageError('say stats, dump or salvage')
    const location = places[0] ?? storeOf(values['config-file'])
    await withSnapshot(location, async (snapshot) => {
      const database = await openLevel(snapshot)
      try {
        if (action === 'dump')
          await dump((tell) => describeStore(database, tell), values.json ? JSON.stringify : lineOf)
        else print(await statsOf(database), values.json === true)
      } finally {
        await database.close()
      }
    })
  },
}

/** Runs `mozzie db` with the words behind its name; sets the exit code. */
export async function runDb(words: readonly string[]): Promise<void> {
  await runCommand(command, words)
}

/** Writes each record's line, in chunks that a slow reader may take its time over. */
async function dump(
  describe: (tell: (record: Described) => void) => Promise<void>,
  format: (record: Described) => string,
): Promise<void> {
  let chunk = ''
  await describe((record) => {
    chunk += `${format(record)}\n`
    if (chunk.length < CHUNK_CHARACTERS) return
    process.stdout.write(chunk)
    chunk = ''
  })
  process.stdout.write(chunk)
}

function lineOf({ kind, ...fields }: Described): string {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [kind, ...words].join(' ')
}

function print(stats: StoreStats, json: boolean): void {
  if (json) return void process.stdout.write(`${JSON.stringify(stats)}\n`)
  const { longest, ...counts } = stats
  const lines = Object.entries(counts).map(([name, count]) => `${name.padEnd(14)} ${count}`)
  for (const { clientId, queued, queuedBytes } of longest)
    lines.push(`queue of ${escapeControls(clientId)}: ${queued} messages, ${queuedBytes} bytes`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function runSalvage(places: readonly string[]): Promise<void> {
  if (places.length !== 2) throw new UsageError('salvage needs two directories: OLD NEW')
  const [from, to] = places
  const { damage, lost, brought, leftOut } = await salvage(from, to)
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([name, count]) => `${count} ${name}`).join(', ') || 'nothing'
  process.stdout.write(
    `${damage === null ? 'The files are whole' : `Found: ${damage}`}.\n` +
      `Brought from ${from} to ${to}: ${list(brought)}.\n` +
      `Left behind, unreadable or without what they belong to: ${list(leftOut)}.\n` +
      lostLines(lost),
  )
}

/** What cannot be counted, because nobody knows what it was. */
function lostLines(lost: readonly Lost[]): string {
  const lines = lost
    .slice(0, LOST_LINES_MAX)
    .map(({ file, start, end, why }) =>
      end > start
        ? `Lost: ${file}, bytes ${start} to ${end - 1}: ${why}.\n`
        : `Lost: ${file}: ${why}.\n`,
    )
  if (lost.length > lines.length) lines.push(`And ${lost.length - lines.length} more.\n`)
  if (lost.length > 0)
    lines.push(
      'What was changed there is as it was before: a message may come again; of a lost log also an older retained one.\n',
    )
  return lines.join('')
}
