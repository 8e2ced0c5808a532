/**
 * Holds docs/ and docs/zh/ together: a page for a page, each linked to the other above its first heading of the second
 * level, with the same blocks of code but for remarks; the Chinese ones say the same thing with one word. docs/decisions/,
 * for those who change the code, is English only.
 * Exits with 1 when one is missing. Runs at the root of the repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { blocksOf } from '../tests/docs/blocks.ts'

const ENGLISH = 'docs'
const CHINESE = 'docs/zh'

/** Pages that stand alone, and why. */
const ALONE: Readonly<Record<string, string>> = {
  'docs/zh/README.md': 'the list of the Chinese pages, and their words',
}

/** Pages with other blocks than their counterpart, and why. */
const SHORTER: Readonly<Record<string, string>> = {
  'docs/zh/conformance.md': 'an introduction: the statements are generated, in English',
}

/** Other words for what `docs/zh/README.md` has one word for. Tables may hold names of figures and tests, in English. */
const OTHER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/监听端口|监听接口|侦听/, '监听器'],
  [/散列/, '哈希'],
  // As a gloss in brackets it may stand.
  [/(?<!（)\bbrokers?\b/i, '服务器'],
  [/客户端ID|客户端标识/, '客户端 ID'],
]

/** The words of a Chinese page that are not those of its others, a line each. */
function wordProblems(page: string): string[] {
  const prose = readFileSync(page, 'utf8')
    .replaceAll(/^```[^]*?^```$/gm, '')
    .replaceAll(/<!--.*?-->|`[^`\n]*`|\]\([^)\n]*\)|^\|.*$/gm, '')
  return OTHER_WORDS.flatMap(([other, word]) => {
    const found = other.exec(prose)
    return found === null ? [] : [`${page}: ${found[0]}: the word for it is ${word}`]
  })
}

const pagesOf = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => (name.endsWith('.md') ? [name] : []))

/** Code, a line each, without its remarks: they are translated. */
function codeOf(page: string): string[] {
  return blocksOf(page).flatMap(({ language, code }) => [
    `a block of ${language}`,
    ...code
      .split('\n')
      .map((line) => line.replace(/(^|\s)\s*(#|\/\/) .*$/, '').trimEnd())
      .filter((line) => line !== ''),
  ])
}

function linkProblems(page: string, text: string, target: string): string[] {
  const head = text.slice(0, text.indexOf('\n## '))
  return head.includes(`](${target})`) ? [] : [`${page}: no link to ${target} at its top`]
}

function pairProblems(english: string, chinese: string, links: [string, string]): string[] {
  const missing = [english, chinese].filter((page) => !existsSync(page))
  if (missing.length > 0) return missing.map((page) => `${page} is missing`)
  const [en, zh] = [english, chinese].map((page) => readFileSync(page, 'utf8'))
  const problems = [...linkProblems(english, en, links[0]), ...linkProblems(chinese, zh, links[1])]
  if (chinese in SHORTER) return problems
  const [wanted, found] = [codeOf(en), codeOf(zh)]
  const at = wanted.findIndex((line, index) => line !== found[index])
  if (at !== -1) problems.push(`${chinese}: lacks the code of ${english}: ${wanted[at]}`)
  else if (found.length > wanted.length)
    problems.push(`${english}: lacks the code of ${chinese}: ${found[wanted.length]}`)
  return problems
}

const names = new Set(
  [ENGLISH, CHINESE].flatMap((folder) =>
    pagesOf(folder).filter((name) => !(`${folder}/${name}` in ALONE)),
  ),
)
const PROBLEMS = [
  ...pairProblems('README.md', 'README.zh-CN.md', ['README.zh-CN.md', 'README.md']),
  ...['README.zh-CN.md', ...pagesOf(CHINESE).map((name) => `${CHINESE}/${name}`)]
    .filter((page) => !(page in ALONE))
    .flatMap(wordProblems),
  ...[...names].flatMap((name) =>
    pairProblems(`${ENGLISH}/${name}`, `${CHINESE}/${name}`, [`zh/${name}`, `../${name}`]),
  ),
]
for (const problem of PROBLEMS) console.error(problem)
process.exitCode = PROBLEMS.length === 0 ? 0 : 1
