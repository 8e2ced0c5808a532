/** The reference part of docs/tools.md: every flag of pub, sub and rr, and where they differ from mosquitto's. */
import { flagsOfTool } from '../src/cli/mqtt/arguments.ts'
import { differences } from '../src/cli/mqtt/differences.ts'
import type { Flag } from '../src/cli/mqtt/flag.ts'
import { groupTitles } from '../src/cli/mqtt/help.ts'
import type { Tool } from '../src/cli/mqtt/settings.ts'

const tools: readonly Tool[] = ['pub', 'sub', 'rr']

const cell = (text: string): string => text.replaceAll('\n', ' ').replaceAll('|', '\\|')

function flagRow({ names, operand, tools: of, help }: Flag): string {
  const spelled = names.map((name) => `\`${name}\``).join(', ')
  const left = operand === null ? spelled : `${spelled} ${operand}`
  const right = of.length === tools.length ? 'all' : of.join(', ')
  return `| ${left} | ${right} | ${cell(help)} |`
}

export function toolReference(): string {
  const flags = new Set(tools.flatMap((tool) => flagsOfTool(tool)))
  const groups = Object.entries(groupTitles).flatMap(([group, title]) => [
    `### ${title}`,
    '',
    '| flag | of | |',
    '|---|---|---|',
    ...[...flags].filter((flag) => flag.group === group).map(flagRow),
    '',
  ])
  return [
    ...groups,
    '## Against mosquitto 2.1.2',
    '',
    '| | mosquitto | Mozzie |',
    '|---|---|---|',
    ...differences.map(
      ({ what, theirs, ours }) => `| ${[what, theirs, ours].map(cell).join(' | ')} |`,
    ),
    '',
  ].join('\n')
}
