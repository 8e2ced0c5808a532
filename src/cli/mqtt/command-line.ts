/** From the words of the process to settings: options file first, then the command line, which has the last word. */
import { readFileSync } from 'node:fs'
import { applyWords, finishSettings, type ParsedWords } from './arguments.ts'
import type { Operand } from './flag.ts'
import { defaultOptionsFile, readOptionsFile } from './options-file.ts'
import { defaultSettings, type Settings, type Tool } from './settings.ts'

/**
 * The words with the bytes they were typed with. Node replaces what is no UTF-8; where that happened, the bytes come
 * from the kernel, if it tells them.
 */
export function wordsWithBytes(words: readonly string[]): Operand[] {
  const raw = words.some((word) => word.includes('\ufffd')) ? kernelWords(words.length) : null
  return words.map((text, index) => {
    const bytes = raw?.[index]
    // Words that did not come from this process's command line have no bytes there.
    const isSame = bytes !== undefined && Buffer.from(bytes).toString() === text
    return { text, bytes: isSame ? bytes : Buffer.from(text) }
  })
}

function kernelWords(count: number): Uint8Array[] | null {
  try {
    const line = readFileSync('/proc/self/cmdline')
    const words: Uint8Array[] = []
    for (let start = 0; start < line.length;) {
      const end = line.indexOf(0, start)
      words.push(line.subarray(start, end))
      start = end + 1
    }
    return words.slice(-count)
  } catch {
    return null
  }
}

/** Reads the options file, if there is one, and the command line. */
export function readCommandLine(tool: Tool, words: readonly string[]): ParsedWords {
  const operands = wordsWithBytes(words)
  // Only the command line tells which file comes before it. What is wrong with it is said the second time.
  const first = defaultSettings(tool)
  applyWords(first, operands)
  const settings = defaultSettings(tool)
  const problem =
    first.action === 'run'
      ? (applyOptionsFile(settings, first.optionsFile) ?? applyWords(settings, operands))
      : applyWords(settings, operands)
  if (problem !== null) return { ok: false, ...problem }
  if (settings.action !== 'run') return { ok: true, settings }
  const error = finishSettings(settings)
  return error === null ? { ok: true, settings } : { ok: false, error }
}

type FileProblem = { error: string; hint?: string }

/** @param given The file of `-o`, which must exist; null: the default one, which need not. */
function applyOptionsFile(settings: Settings, given: string | null): FileProblem | null {
  const path = given ?? defaultOptionsFile(settings.tool)
  try {
    const lines = readOptionsFile(path)
    if (lines === null) {
      return given === null ? null : { error: `Error: Unable to open options file "${path}".` }
    }
    for (const { lineNumber, words } of lines) {
      const problem = applyWords(settings, words)
      if (problem !== null) {
        return { error: problem.error, hint: `It stands in ${path}, line ${lineNumber}.` }
      }
    }
    return null
  } catch (error) {
    return {
      error: `Error: Unable to read options file "${path}".`,
      hint: `${(error as Error).message}.`,
    }
  }
}
