/** Writes the option tables of the documents, and the example configurations. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { OptionRow } from '../src/config/option.ts'
import { ALL_OPTIONS, type KnownOption } from '../src/config/option-table.ts'
import { BRIDGE_TLS_OPTIONS } from '../src/config/options-bridge.ts'
import { CLUSTER_OPTIONS } from '../src/config/options-cluster.ts'
import { LIMIT_OPTIONS } from '../src/config/options-limits.ts'
import { TLS_OPTIONS } from '../src/config/options-listener.ts'
import { PROCESS_OPTIONS } from '../src/config/options-process.ts'
import { MANUAL_PAGES } from './manual-pages.ts'
import {
  commandManual,
  configurationManual,
  fullConfiguration,
  type ToldSection,
} from './packaged-reference.ts'
import { chineseDictionary, sayEnglish, type Say } from './say.ts'
import { toolReference } from './tool-reference.ts'

/**
 * Writes the tables of docs/configuration.md and docs/mosquitto-compat.md from the option table, those of
 * docs/tools.md from the flags of pub, sub and rr, between the
 * marks `<!-- options -->` and `<!-- end -->`; the rest of the pages is written by hand. Their Chinese counterparts have
 * them too, with the words of `words-zh.json`. What `packaging` has of the
 * tables is written whole. `--check` writes
 * nothing and exits with 1 when a page is stale. Runs at the root of the repository.
 */

const BEGIN = '<!-- options -->\n'
const END = '<!-- end -->'

/** How an option compares with mosquitto's, in the order in which a reader needs it. */
const KINDS = [
  ['same', 'the same'],
  ['differs', 'better'],
  ['own', 'ours'],
  ['ignored', 'no effect'],
  ['later', 'not yet'],
  ['refused', 'refused'],
] as const

type Kind = (typeof KINDS)[number][0]

const kindNames = new Map<Kind, string>(KINDS)

function kindOf({ row }: KnownOption): Kind {
  if (row.effect === 'never') return 'ignored'
  if (row.effect === 'later') return 'later'
  if (row.effect === 'refuse') return 'refused'
  if (row.own) return 'own'
  return row.differs === null ? 'same' : 'differs'
}

function rowsOf(table: object): Set<unknown> {
  return new Set(Object.values(table))
}

const ofLimits = rowsOf(LIMIT_OPTIONS)
const ofProcess = rowsOf(PROCESS_OPTIONS)
const ofCluster = rowsOf(CLUSTER_OPTIONS)
const ofTls = rowsOf({ ...TLS_OPTIONS })
const ofBridgeTls = rowsOf(BRIDGE_TLS_OPTIONS)

const isValue = ({ kind }: KnownOption) => kind === 'value'

/** Sections of the reference; an option stands in the first one that takes it. */
const SECTIONS: readonly (readonly [title: string, takes: (known: KnownOption) => boolean])[] = [
  ['Lines that begin something', (known) => !isValue(known)],
  ['What one client may cost', ({ row }) => ofLimits.has(row)],
  ['Log, account, files', ({ row }) => ofProcess.has(row)],
  ['A cluster', ({ row }) => ofCluster.has(row)],
  ['The broker', ({ scope }) => scope === 'global'],
  ['TLS of a listener', ({ row }) => ofTls.has(row)],
  ['A listener', ({ scope }) => scope === 'listener'],
  ['TLS of a bridge', ({ row }) => ofBridgeTls.has(row)],
  ['A bridge', () => true],
]

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``)

function typeOf(known: KnownOption): string {
  if (known.kind === 'value') return known.row.type.describes
  return known.kind === 'directive' ? known.row.describes : 'path'
}

function defaultOf({ type, default: value }: OptionRow<unknown>): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return ''
  if (type.show) return type.show(value)
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`
}

function namesOf({ row }: KnownOption, say: Say): string {
  const names = [row.name, ...row.aliases].map(code).join(', ')
  return row.deprecated ? `${names} ${say('(old)')}` : names
}

/** What is told of an option beside its summary. */
function noteOf(known: KnownOption): string {
  const { row } = known
  if (known.kind === 'value' && row.effect === 'never') return known.row.warning(undefined) ?? ''
  return row.differs ?? ''
}

/** The options by the section that they stand in. */
function sectionsOf(): (readonly [title: string, found: readonly KnownOption[]])[] {
  const left = new Set(ALL_OPTIONS)
  return SECTIONS.map(([title, takes]) => {
    const found = [...left].filter(takes)
    for (const known of found) left.delete(known)
    return [title, found] as const
  })
}

function toldSections(): ToldSection[] {
  return sectionsOf().map(([title, found]) => [
    title,
    found.map((known) => ({
      name: known.row.name,
      describes: typeOf(known),
      initial: known.kind === 'value' ? defaultOf(known.row) : '',
      summary: known.row.summary,
      note: noteOf(known),
      isOwn: known.row.own,
    })),
  ])
}

function reference(say: Say): string {
  const sections = sectionsOf().map(([title, found]) => {
    return [
      `### ${say(title)}`,
      '',
      say('| option | value | default | SIGHUP | mosquitto | what it does |'),
      '|---|---|---|---|---|---|',
      ...found.map((known) => {
        const { row } = known
        const initial = known.kind === 'value' ? defaultOf(known.row) : ''
        const cells = [
          namesOf(known, say),
          code(say(typeOf(known))),
          code(initial),
          say(row.reload ? 'yes' : 'no'),
          say(kindNames.get(kindOf(known)) ?? ''),
          cell(say(row.summary)),
        ]
        return `| ${cells.join(' | ')} |`
      }),
      '',
    ].join('\n')
  })
  return sections.join('\n')
}

function listOf(say: Say, kind: Kind, title: string, intro: string): string {
  const found = ALL_OPTIONS.filter((known) => kindOf(known) === kind)
  if (found.length === 0) return ''
  const rows =
    kind === 'same'
      ? [found.map(({ row }) => code(row.name)).join(', ')]
      : [
          say('| option | |'),
          '|---|---|',
          ...found.map((known) => {
            const texts = [known.row.summary, noteOf(known)].filter((part) => part !== '')
            return `| ${namesOf(known, say)} | ${cell(texts.map(say).join(' '))} |`
          }),
        ]
  const count = say('N options.').replace('N', String(found.length))
  return [`### ${say(title)}`, '', `${count} ${say(intro)}`, '', ...rows, '', ''].join('\n')
}

/** The kinds with what is to be said of all their options. */
const LISTS: readonly (readonly [kind: Kind, title: string, intro: string])[] = [
  ['differs', 'Better', 'They do what mosquitto documents, and more or more reliably so.'],
  [
    'own',
    'Ours',
    'mosquitto stops at these names; leave them out of a file that both are to read.',
  ],
  ['ignored', 'Accepted without effect', 'One line in the log says so; an old file still starts.'],
  ['later', 'Not yet', 'Read and checked; one line in the log says that nothing comes of it.'],
  [
    'refused',
    'Refused',
    'Ignoring them would leave the broker more open than the file says, so it does not start.',
  ],
  ['same', 'The same', 'Same name, same values, same default, same effect.'],
]

function comparison(say: Say): string {
  return LISTS.map((list) => listOf(say, ...list))
    .join('')
    .trimEnd()
    .concat('\n')
}

/** Below docs/, and below docs/zh/. */
const PAGES: readonly (readonly [name: string, content: (say: Say) => string])[] = [
  ['configuration.md', reference],
  ['mosquitto-compat.md', comparison],
  ['tools.md', toolReference],
]

/** What the options do, in Chinese: for the page of the configuration in force. */
function chineseSummaries(): string {
  const { say } = chineseDictionary('scripts/words-zh.json')
  const summaries = ALL_OPTIONS.map(({ row }) => [row.summary, say(row.summary)])
  return `${JSON.stringify(Object.fromEntries(summaries), null, 2)}\n`
}

const WHOLE: readonly (readonly [file: string, content: () => string])[] = [
  ['web/src/broker/option-words-zh.json', chineseSummaries],
  ['packaging/mosquitto.conf.full', () => fullConfiguration(toldSections())],
  ['packaging/man/mozzie.conf.5', () => configurationManual(toldSections())],
  ['packaging/man/mozzie.1', commandManual],
  ...MANUAL_PAGES.map(([name, content]) => [`packaging/man/${name}`, content] as const),
]

/** The page with what stands between the marks replaced. */
function renew(file: string, content: string): { before: string; after: string } {
  const before = readFileSync(file, 'utf8')
  const start = before.indexOf(BEGIN)
  const end = before.indexOf(END, start)
  if (start === -1 || end === -1) throw new Error(`${file} lacks the marks for the options`)
  const head = before.slice(0, start + BEGIN.length)
  return { before, after: `${head}\n${content}\n${before.slice(end)}` }
}

/** The pages that have tables between marks, and what the dictionary lacks for them. */
function markedPages(): {
  pages: { file: string; before: string; after: string }[]
  problems: string[]
} {
  const chinese = chineseDictionary('scripts/words-zh.json')
  const languages = [
    ['docs', sayEnglish],
    ['docs/zh', chinese.say],
  ] as const
  const pages = languages.flatMap(([folder, say]) =>
    PAGES.map(([name, content]) => {
      const file = `${folder}/${name}`
      return { file, ...renew(file, content(say)) }
    }),
  )
  return { pages, problems: chinese.problems() }
}

function main(): number {
  const isCheck = process.argv.includes('--check')
  const { pages, problems } = markedPages()
  const whole = WHOLE.map(([file, content]) => ({
    file,
    before: existsSync(file) ? readFileSync(file, 'utf8') : '',
    after: content(),
  }))
  for (const { file, before, after } of [...pages, ...whole]) {
    if (before === after) continue
    if (isCheck) problems.push(`${file} is stale: run npm run option-docs`)
    else writeFileSync(file, after)
  }
  for (const problem of problems) console.error(problem)
  return problems.length === 0 ? 0 : 1
}

process.exitCode = main()
