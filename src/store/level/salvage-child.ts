/** The process in which the files of a damaged store are read (salvage.ts): what it dies of is a finding, no more. */
import { salvageFiles, type Lost, type SalvageTask } from './salvage-files.ts'

/** What it tells its parent. */
export type SalvageMessage = { readonly reading: string } | { readonly lost: Lost }

const tell = (message: SalvageMessage): void => void process.send?.(message)

const task = JSON.parse(process.argv[2]) as SalvageTask
void salvageFiles(task, {
  reading: (reading) => tell({ reading }),
  lost: (lost) => tell({ lost }),
}).then(() => process.disconnect?.())
