// Two rules of the house that no linter has: a constant is written LIKE_THIS (numbers, texts, patterns and lists that a
// module holds), and the first line of a file says what it is for.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** As prettier writes them: at the start of a line; what follows `=` tells what it is. */
const LOWER_CASE =
  /^(?:export )?const ([a-z]\w*)(?:: [^=]+)? =\s+(-?\d|'|`|\/(?!\/)|\[\s*[^\]\s.])/gm
const COMMENT_FIRST = /^(?:#!.*\n)?\/[/*]/

const FOLDERS = ['src', 'web/src', 'bench', 'examples', 'scripts']
const FOLDERS_WITH_FIRST_LINES = ['src', 'bench', 'examples', 'scripts']

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

function misspeltIn(file) {
  return [...readFileSync(file, 'utf8').matchAll(LOWER_CASE)].map(
    ([, name]) => `${file}: ${name}: a constant is written LIKE_THIS`,
  )
}

const problems = [
  ...FOLDERS.flatMap(filesIn).flatMap(misspeltIn),
  ...FOLDERS_WITH_FIRST_LINES.flatMap(filesIn)
    .filter((file) => !COMMENT_FIRST.test(readFileSync(file, 'utf8')))
    .map((file) => `${file}: the first line says what the file is for`),
]
for (const problem of problems) console.error(problem)
process.exit(problems.length === 0 ? 0 : 1)
