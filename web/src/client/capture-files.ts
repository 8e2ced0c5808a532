/** Asks for a file of messages and opens it. */
import type { ImportAnswer } from '../protocol/protocol.ts'
import { notify } from '../state/app-state.ts'
import { openCapture } from '../state/captures.ts'
import { pickFile } from '../ui/files.ts'
import { textNow } from '../ui/text.ts'

export const CAPTURE_FILES = '.jsonl,.json,.ndjson'

/** What a person should know of a file that was read. */
export function notifyImported({ messages, altered, unread }: ImportAnswer): void {
  const t = textNow()
  const [first] = unread.first
  const words = [
    t.importedSentence(messages),
    ...(altered > 0 ? [t.alteredPayloads(altered)] : []),
    ...(unread.total > 0 ? [t.unreadLines(unread.total)] : []),
    ...(first === undefined ? [] : [t.unreadLine(first.line, first.reason)]),
  ]
  notify(t.sentences(words), words.length > 1)
}

export async function openCaptureFile(): Promise<void> {
  const file = await pickFile(CAPTURE_FILES)
  if (file === null) return
  try {
    const answer = await openCapture(file.name, await file.text())
    notifyImported(answer)
  } catch (error) {
    const t = textNow()
    const problem = t.problem(error instanceof Error ? error.message : String(error))
    notify(t.labelled(file.name, problem), true)
  }
}
