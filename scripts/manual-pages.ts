/** The manual page of each command: what its `--help` prints, as roff. */
import { HELP as ban } from '../src/cli/ban.ts'
import { HELP as backup } from '../src/cli/backup.ts'
import { HELP as bench } from '../src/cli/bench.ts'
import { COMMAND_SUMMARIES, type CommandName } from '../src/cli/command-names.ts'
import { HELP as ctrl } from '../src/cli/ctrl.ts'
import { HELP as completions } from '../src/cli/completions.ts'
import { HELP as db } from '../src/cli/db.ts'
import { HELP as importDb } from '../src/cli/import-db.ts'
import { HELP as doctor } from '../src/cli/doctor.ts'
import { helpText } from '../src/cli/mqtt/help.ts'
import { HELP as passwd } from '../src/cli/passwd.ts'
import { HELP as retained } from '../src/cli/retained.ts'
import { HELP as tlsInit } from '../src/cli/tls-init.ts'
import { HELP as cluster } from '../src/cli/cluster.ts'
import { HELP as why } from '../src/cli/why.ts'
import { item, roff } from './packaged-reference.ts'

/** `mozzie broker` is mozzie(1). */
const HELP_TEXTS: Readonly<Record<Exclude<CommandName, 'broker'>, string>> = {
  pub: helpText('pub', 'mozzie pub', false),
  sub: helpText('sub', 'mozzie sub', false),
  rr: helpText('rr', 'mozzie rr', false),
  retained,
  ctrl,
  ban,
  why,
  cluster,
  doctor,
  passwd,
  'tls-init': tlsInit,
  bench,
  'import-db': importDb,
  backup,
  db,
  completions,
}

/** Name in packaging/man, and content. */
export const MANUAL_PAGES: readonly (readonly [name: string, content: () => string])[] =
  Object.entries(HELP_TEXTS).map(([command, help]) => [
    `mozzie-${command}.1`,
    () => page(command, COMMAND_SUMMARIES[command as CommandName], help),
  ])

const USAGE = 'Usage: '
/** An option or a word, and what it is, two blanks apart; what is farther in goes on with the line above. */
const ITEM = /^ {2,6}(\S.*?)(?: {2,}(\S.*))?$/

function page(command: string, summary: string, help: string): string {
  const [usage, ...blocks] = help.trimEnd().split('\n\n')
  const parts = blocks.map((block) => partOf(block.split('\n')))
  return [
    `.TH ${roff(`MOZZIE-${command.toUpperCase()}`)} 1`,
    '.SH NAME',
    roff(`mozzie-${command}`) + ` \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    ...verbatim(usage.split('\n').map((line) => line.slice(USAGE.length))),
    '.SH DESCRIPTION',
    ...parts.flat(),
    '.SH SEE ALSO',
    '.BR mozzie (1)',
    '',
  ].join('\n')
}

function partOf(lines: readonly string[]): string[] {
  const [first, ...rest] = lines
  if (!first.endsWith(':') || rest.length === 0) return bodyOf(lines)
  const title = first.slice(0, -1)
  const body = title === 'Examples' ? verbatim(rest.map((line) => line.slice(2))) : bodyOf(rest)
  return [`.SH ${roff(title.toUpperCase())}`, ...body]
}

function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(roff), '.fi']
}

/** Items, or a paragraph. */
function bodyOf(lines: readonly string[]): string[] {
  if (!lines[0].startsWith('  ')) return ['.PP', ...lines.map(roff)]
  const items: { head: string; text: string[] }[] = []
  for (const line of lines) {
    const [, head, text] = ITEM.exec(line) ?? []
    if (head === undefined) items.at(-1)?.text.push(line.trim())
    else items.push({ head, text: text === undefined ? [] : [text] })
  }
  return items.map(({ head, text }) => item(head, text.join('\n')))
}
