/** Writes the catalogue of attacks as a page. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from '../tests/attack/catalogue.ts'
import { readFigures } from '../tests/attack/load-figures.ts'
import { loads } from '../tests/attack/loads.ts'
import { chineseDictionary, sayEnglish, type Say } from './say.ts'

/**
 * Writes docs/attacks.md, and docs/zh/attacks.md with the words of `words-zh-attacks.json`: the catalogue of attacks with
 * the tests that stand for them. `--check` writes nothing and
 * exits with 1 when the page is stale, a number has neither test nor reason, or a test has an unknown number. Runs
 * at the root of the repository.
 */

const TESTS = 'tests/attack'

/** Test names by number. A name is any text of the source that has a number in it. */
function scan(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const file of readdirSync(TESTS)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()) {
    const source = readFileSync(join(TESTS, file), 'utf8')
    for (const [, , text] of source.matchAll(
      /(['`])((?:(?!\1)[^\n])*\bS\d{2,3}\b(?:(?!\1)[^\n])*)\1/g,
    ))
      for (const [id] of text.matchAll(/\bS\d{2,3}\b/g)) {
        const shown = `${file.replace('.test.ts', '')}: ${text.replaceAll(/\$\{[^}]*\}/g, '…')}`
        const names = found.get(id) ?? []
        if (!names.includes(shown)) found.set(id, [...names, shown])
      }
  }
  return found
}

function page(found: Map<string, string[]>, say: Say, counterpart: string): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = catalogue.map(({ id, attack, reason }) => {
    const proof = found.get(id)?.map(cell).join('<br>') ?? `*${say(reason ?? '')}*`
    return `| ${id} | ${cell(say(attack))} | ${proof} |`
  })
  return [
    say('# Attacks'),
    '',
    counterpart,
    '',
    say(
      'Written by `scripts/attacks.ts` from `tests/attack`. `npm run attack` starts brokers and runs all of them; after each attack another',
    ),
    say(
      "client's QoS 1 round trip takes 100 ms at most, and the log has no error that was not expected.",
    ),
    '',
    say('| | attack | tests |'),
    '|---|---|---|',
    ...rows,
    '',
    ...loadLines(say),
    '',
  ].join('\n')
}

const none = { cpuMs: '–', clockMs: '–', quietMs: '–', load: '–', peakMb: '–' }

/** Figures belong to a run: they are read here, never measured. */
function loadLines(say: Say): string[] {
  const figures = readFigures()
  const rows = loads.map(({ id, attack, limitMb, stallMsMax }) => {
    const figure = figures[id]
    const { cpuMs, clockMs, quietMs, load, peakMb } = figure ?? none
    return `| ${id} | ${say(attack)} | ${cpuMs} | ${stallMsMax} | ${clockMs} | ${quietMs} | ${load} | ${peakMb} | ${limitMb === 0 ? '–' : limitMb} |`
  })
  return [
    say('## By load'),
    '',
    say(
      'What the last `npm run attack` measured, each attack at its full size on a broker of its own: the longest wait of a bystander for its PINGRESP, and the highest resident memory beside',
    ),
    say(
      '`memory_limit`, which may be passed by 20 %. A wait is judged by the CPU time of the broker within it, which is what an attacker makes everybody wait; by the clock it is longer by what',
    ),
    say(
      'attackers and other work on the same two cores take, and so it was before the attack, too (quiet). Some of them, smaller, are part of `npm test`.',
    ),
    say(
      '*Load* is how many processes wanted the machine’s cores meanwhile (load average): above their number the clock says more about those than about the broker.',
    ),
    '',
    say('| | attack | CPU, ms | goal, ms | clock, ms | quiet, ms | load | MB | limit, MB |'),
    '|---|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ]
}

function main(): number {
  const found = scan()
  const known = new Set(catalogue.map(({ id }) => id))
  const problems = catalogue.flatMap(({ id, reason }) =>
    found.has(id) === (reason === undefined)
      ? []
      : [reason === undefined ? `${id} has no test` : `${id} has a test and a reason for none`],
  )
  // Sections G and H of the catalogue are tested where what they attack is.
  const last = Number(catalogue.at(-1)?.id.slice(1))
  for (const id of found.keys())
    if (!known.has(id) && Number(id.slice(1)) <= last) problems.push(`a test names ${id}`)
  const chinese = chineseDictionary('scripts/words-zh-attacks.json')
  const pages = [
    ['docs/attacks.md', page(found, sayEnglish, '[中文](zh/attacks.md)')],
    ['docs/zh/attacks.md', page(found, chinese.say, '[English](../attacks.md)')],
  ]
  problems.push(...chinese.problems())
  for (const [file, text] of pages)
    if (!process.argv.includes('--check')) writeFileSync(file, text)
    else if (read(file) !== text) problems.push(`${file} is stale: run npm run attacks-page`)
  for (const problem of problems) console.error(problem)
  return problems.length === 0 ? 0 : 1
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

process.exitCode = main()
