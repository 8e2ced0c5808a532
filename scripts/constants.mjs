// One spelling of constants: what a module holds that is a number, text, a regular expression or a list is SCREAMING_CASE.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** As prettier writes them: at the start of a line; what follows `=` tells what it is. */
const LOWER_CASE = /^(?:export )?const ([a-z]\w*)(?:: [^=]+)? =\s+(-?\d|'|`|\/(?!\/)|\[[^\]])/gm

const FOLDERS = ['src', 'web/src', 'bench', 'scripts']

function misspelt(text) {
  return [...text.matchAll(LOWER_CASE)].map(([, name]) => name)
}

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

const files = FOLDERS.flatMap(filesIn)
const found = files.flatMap((file) =>
  misspelt(readFileSync(file, 'utf8')).map((name) => `${file}: ${name}`),
)
for (const line of found) console.error(`${line}: a constant is written LIKE_THIS`)
process.exit(found.length === 0 ? 0 : 1)
