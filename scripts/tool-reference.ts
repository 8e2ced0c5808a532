/** The reference part of docs/tools.md: every flag of pub, sub and rr, and where they differ from mosquitto's. */
import { flagsOfTool } from '../src/cli/mqtt/arguments.ts'
import { DIFFERENCES } from '../src/cli/mqtt/differences.ts'
import type { Flag } from '../src/cli/mqtt/flag.ts'
import { GROUP_TITLES } from '../src/cli/mqtt/help.ts'
import type { Tool } from '../src/cli/mqtt/settings.ts'
import type { Say } from './say.ts'

const TOOLS: readonly Tool[] = ['pub', 'sub', 'rr']

const cell = (text: string): string => text.replaceAll('\n', ' ').replaceAll('|', '\\|')

function flagRow({ names, operand, tools: of, help }: Flag, say: Say): string {
  const spelled = names.map((name) => `\`${name}\``).join(', ')
  const left = operand === null ? spelled : `${spelled} ${operand}`
  const right = of.length === TOOLS.length ? say('all') : of.join(', ')
  return `| ${left} | ${right} | ${cell(say(help.replaceAll('\n', ' ')))} |`
}

export function toolReference(say: Say): string {
  const flags = new Set(TOOLS.flatMap((tool) => flagsOfTool(tool)))
  const groups = Object.entries(GROUP_TITLES).flatMap(([group, title]) => [
    `### ${say(title)}`,
    '',
    say('| flag | of | |'),
    '|---|---|---|',
    ...[...flags].filter((flag) => flag.group === group).map((flag) => flagRow(flag, say)),
    '',
  ])
  return [
    ...groups,
    say('## Against mosquitto 2.1.2'),
    '',
    '| | mosquitto | Mozzie |',
    '|---|---|---|',
    ...DIFFERENCES.map(
      ({ what, theirs, ours }) =>
        `| ${[what, theirs, ours].map((text) => cell(say(text))).join(' | ')} |`,
    ),
    '',
  ].join('\n')
}
