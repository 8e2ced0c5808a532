/**
 * The fenced blocks of a page. What stands above a block counts:
 *
 *     <!-- not run: why -->      it cannot run in a test
 *     `/etc/mozzie/acl`:         the block is the content of that file
 */
export interface Block {
  /** Of its first fence. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** The file that it is. */
  readonly file: string | null
  readonly notRun: string | null
}

const fence = /^```(\w*)$/
const reason = /^<!-- not run: (.+) -->$/
const named = /^`([^`]+)`[:：]$/

export function blocksOf(page: string): Block[] {
  const lines = page.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const language = fence.exec(lines[at])?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`line ${at + 1}: a block without an end`)
    const above = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? ''
    blocks.push({
      line: at + 1,
      language,
      code: lines.slice(at + 1, end).join('\n'),
      file: named.exec(above)?.[1] ?? null,
      notRun: reason.exec(above)?.[1] ?? null,
    })
    at = end
  }
  return blocks
}

/** Commands of a block, a line each; a backslash at the end of one goes on. */
export function commandsOf({ code }: Block): string[] {
  return code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => !/^\s*(#.*)?$/.test(line))
}
