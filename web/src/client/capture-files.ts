/** Asks for a file of messages and opens it. */
import { notify } from '../state/app-state.ts'
import { openCapture } from '../state/captures.ts'
import { pickFile } from '../ui/files.ts'
import { textNow } from '../ui/text.ts'

export const CAPTURE_FILES = '.jsonl,.json,.ndjson'

/** What a person should know of a file that was read. */
export function importedWords({
  messages,
  altered,
}: {
  messages: number
  altered: number
}): string {
  const t = textNow()
  return [t.importedMessages(messages), altered > 0 ? t.alteredPayloads(altered) : ''].join(' ')
}

export async function openCaptureFile(): Promise<void> {
  const file = await pickFile(CAPTURE_FILES)
  if (file === null) return
  try {
    const answer = await openCapture(file.name, await file.text())
    notify(importedWords(answer), answer.altered > 0)
  } catch (error) {
    notify(
      `${file.name}: ${textNow().problem(error instanceof Error ? error.message : String(error))}`,
      true,
    )
  }
}
