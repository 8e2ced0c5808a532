/** Writes the table of normative statements and their tests as a page. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Reason, Statement } from '../tests/conformance/statement.ts'
import { reasons311, statements311 } from '../tests/conformance/statements-311.ts'
import { reasons50, statements50 } from '../tests/conformance/statements-50.ts'

/**
 * Writes docs/conformance.md: every normative statement of MQTT 3.1.1 and 5.0 with the tests at the socket that
 * prove it or the reason why none does. `--check` writes nothing and exits with 1 when the page is stale,
 * a statement that binds the server is open, or a test names an id that does not exist. Runs at the root of
 * the repository.
 */

const TESTS = 'tests/blackbox'
const PAGE = 'docs/conformance.md'

/** What needs listeners of its own: tests whose titles end with the ids, in the statements of these versions. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'tests/transports/websocket.test.ts': ['v4', 'v5'],
  'tests/auth/scram.test.ts': ['v5'],
}

interface Chapter {
  title: string
  /** The key of `Proves` under which tests name the ids of this version. */
  key: string
  statements: readonly Statement[]
  reasons: readonly Reason[]
}

const CHAPTERS: readonly Chapter[] = [
  { title: 'MQTT 3.1.1', key: 'v4', statements: statements311, reasons: reasons311 },
  { title: 'MQTT 5.0', key: 'v5', statements: statements50, reasons: reasons50 },
]

/** Test names by `key id`, as `v5 MQTT-3.1.0-1`. */
type Proofs = Map<string, string[]>

function note(proofs: Proofs, key: string, id: string, shown: string): void {
  const names = proofs.get(`${key} ${id}`) ?? []
  proofs.set(`${key} ${id}`, names.includes(shown) ? names : [...names, shown])
}

function shownName(file: string, name: string): string {
  return `${file.replace('.test.ts', '')}: ${name.replaceAll(/\$\{[^}]*\}/g, '…')}`
}

/** An object of ids by version, as tests give them: `{ v3: '', v4: '[MQTT-…] [MQTT-…]' }`. */
const PROVES = /\{\s*(?:v[345]:\s*'[^']*'\s*,?\s*)+\}/g

/** What stands before it: a call or row that opens with the name, other literals between allowed. */
const NAME = /[([]\s*(['"`])((?:(?!\1).)+)\1\s*,(?:\s*(?:'[^']*'|\w+)\s*,)*\s*$/

const IDS = /\[([^\]]+)\]/g

/** A title, and the ids that it ends with. */
const TITLE = /\btest\(\s*(['"`])((?:(?!\1).)+?)((?: \[MQTT-[^\]]+\])+)\1/g

function scanTitles(path: string, keys: readonly string[], proofs: Proofs): void {
  for (const [, , name, ids] of readFileSync(path, 'utf8').matchAll(TITLE))
    for (const [, id] of ids.matchAll(IDS))
      for (const key of keys) note(proofs, key, id, shownName(basename(path), name))
}

function scanFile(file: string, source: string, proofs: Proofs): void {
  for (const { 0: proves, index } of source.matchAll(PROVES)) {
    if (!proves.includes('[MQTT-')) continue
    const name = NAME.exec(source.slice(0, index))?.[2]
    if (name === undefined) throw new Error(`${file}: no name before ${proves}`)
    const shown = shownName(file, name)
    for (const [, key, ids] of proves.matchAll(/(v[345]):\s*'([^']*)'/g)) {
      for (const [, id] of ids.matchAll(IDS)) note(proofs, key, id, shown)
    }
  }
}

function scanTests(): Proofs {
  const proofs: Proofs = new Map()
  const files = readdirSync(TESTS).filter((file) => file.endsWith('.test.ts'))
  for (const file of files.sort()) scanFile(file, readFileSync(join(TESTS, file), 'utf8'), proofs)
  for (const [path, keys] of Object.entries(ELSEWHERE)) scanTitles(path, keys, proofs)
  return proofs
}

interface Row {
  id: string
  binds: string
  text: string
  proof: string
  state: 'tested' | 'reason' | 'client' | 'open'
}

function rowsOf({ key, statements, reasons }: Chapter, proofs: Proofs): Row[] {
  const whyOf = new Map(reasons.flatMap(([why, ids]) => ids.map((id) => [id, why])))
  return statements.map(([id, binds, text]) => {
    const tests = proofs.get(`${key} ${id}`)
    const why = whyOf.get(id)
    if (tests) return { id, binds, text, proof: tests.join('<br>'), state: 'tested' }
    if (why !== undefined) return { id, binds, text, proof: `*${why}*`, state: 'reason' }
    if (binds === 'client') return { id, binds, text, proof: '*binds the client*', state: 'client' }
    return { id, binds, text, proof: '**open**', state: 'open' }
  })
}

function problemsOf(rows: Map<Chapter, Row[]>, proofs: Proofs): string[] {
  const problems: string[] = []
  const known = new Set<string>()
  for (const [{ title, key, statements, reasons }, list] of rows) {
    const ids = new Set(statements.map(([id]) => id))
    if (ids.size !== statements.length) problems.push(`${title}: an id is listed twice`)
    for (const id of ids) known.add(`${key} ${id}`)
    for (const { id, state } of list) if (state === 'open') problems.push(`${title}: ${id} is open`)
    for (const id of reasons.flatMap(([, ids]) => ids)) {
      if (!ids.has(id)) problems.push(`${title}: a reason for ${id}, which does not exist`)
      else if (proofs.has(`${key} ${id}`)) problems.push(`${title}: ${id} has a test and a reason`)
    }
  }
  for (const name of proofs.keys()) {
    if (!known.has(name)) problems.push(`a test names ${name}, which does not exist`)
  }
  return problems
}

function section({ title }: Chapter, rows: Row[]): string {
  const count = (state: Row['state']) => rows.filter((row) => row.state === state).length
  const cell = (text: string) => text.replaceAll('|', '\\|')
  return [
    `## ${title}`,
    '',
    `${rows.length} statements: ${count('tested')} proved by tests, ${count('reason')} with a reason, ` +
      `${count('client')} that bind the client alone, ${count('open')} open.`,
    '',
    '| statement | binds | asks | proved by |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ id, binds, text, proof }) => `| ${id} | ${binds} | ${cell(text)} | ${cell(proof)} |`,
    ),
    '',
  ].join('\n')
}

function page(rows: Map<Chapter, Row[]>): string {
  const head = [
    '# Conformance',
    '',
    '[中文](zh/conformance.md)',
    '',
    'Written by `scripts/conformance.ts` from `tests/conformance` and the tests in `tests/blackbox`,',
    '`tests/transports/websocket.test.ts` and `tests/auth/scram.test.ts`.',
    'The statements are told in our words; their ids are those of the standards.',
    'A statement that binds the client is listed with the tests of how the broker meets its breach.',
    '',
  ].join('\n')
  const sections = [...rows].map(([chapter, list]) => section(chapter, list))
  return [head, ...sections].join('\n')
}

function main(): number {
  const proofs = scanTests()
  const rows = new Map(CHAPTERS.map((chapter) => [chapter, rowsOf(chapter, proofs)]))
  const problems = problemsOf(rows, proofs)
  const text = page(rows)
  if (!process.argv.includes('--check')) writeFileSync(PAGE, text)
  else if (readPage() !== text) problems.push(`${PAGE} is stale: run scripts/conformance.ts`)
  for (const problem of problems) console.error(problem)
  return problems.length === 0 ? 0 : 1
}

function readPage(): string | null {
  try {
    return readFileSync(PAGE, 'utf8')
  } catch {
    return null
  }
}

process.exitCode = main()
