/** `mozzie backup`: a consistent copy of a store, running or not. */
import { copyStore } from '../store/level/snapshot.ts'
import { runCommand, storeOf, UsageError, type StoreCommand } from './store-arguments.ts'

export const HELP = `Usage: mozzie backup DIR [-c FILE | --from STORE]

Copies a store into the new directory DIR, while its broker runs or not: all that was acknowledged before is in it.
Start a broker on the copy by naming it: persistence_location and persistence_file.

  -c, --config-file FILE  the store of the broker that runs with FILE
      --from STORE        this store
`

const command: StoreCommand = {
  help: HELP,
  options: ['config-file', 'from'],
  async run(values, places) {
    if (places.length !== 1)
      throw new UsageError('one directory is needed, which does not exist yet')
    const from = values.from ?? storeOf(values['config-file'])
    await copyStore(from, places[0])
    process.stdout.write(`Copied ${from} to ${places[0]}.\n`)
  },
}

/** Runs `mozzie backup` with the words behind its name; sets the exit code. */
export async function runBackup(words: readonly string[]): Promise<void> {
  await runCommand(command, words)
}
