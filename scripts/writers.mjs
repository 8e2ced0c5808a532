// Which files of the core write which field of its nouns: `node scripts/writers.mjs` prints it, and fails when a field of
// Connection, Session or Outbound is written from two files. It goes by the names that variables have all over the core.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Noun: the names its variables have. */
const NOUNS = {
  Core: ['core', 'this.core'],
  Connection: ['connection', 'old', 'waiter', 'next'],
  Session: ['session', 'known'],
  Outbound: ['outbound', 'session.outbound'],
}
const MUST_BE_ONE = new Set(['Connection', 'Session', 'Outbound'])

const root = process.argv[2] ?? 'src/broker'
const MODEL = ['core', 'model']
  .map((name) => readFileSync(join(root, `state/${name}.ts`), 'utf8'))
  .join('\n')

function fieldsOf(noun) {
  const [, body] = new RegExp(`(?:class|interface) ${noun} \\{\\n([\\s\\S]*?)\\n\\}`).exec(MODEL)
  const plain = body.matchAll(/^ {2}(?:readonly |private )?(\w+)\??(?::| =)/gm)
  const packed = body.matchAll(/^ {2}set (\w+)\(/gm)
  return [...plain, ...packed].map(([, field]) => field)
}

/** Field: the files that write it; `field = …`, `field++`, but not what a class or a literal begins with. */
function writersOf(noun) {
  const names = NOUNS[noun].map((name) => name.replace('.', '\\.')).join('|')
  const write = String.raw`\s*(?:(?:[-+*/|&]|\?\?|\|\||&&|<<|>>)?=(?![=>])|\+\+|--)`
  const fields = new Map(fieldsOf(noun).map((field) => [field, new Set()]))
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue
    const text = readFileSync(join(root, path), 'utf8')
    for (const [field, files] of fields) {
      const found = new RegExp(`(?:^|[^.\\w])(?:${names})\\.${field}${write}`, 'm').exec(text)
      const before = new RegExp(`(?:\\+\\+|--)(?:${names})\\.${field}\\b`).exec(text)
      if (found !== null || before !== null) files.add(relative('.', path))
    }
  }
  return fields
}

let failed = false
for (const noun of Object.keys(NOUNS)) {
  const fields = writersOf(noun)
  const shared = [...fields].filter(([, files]) => files.size > 1)
  console.log(`${noun}: ${fields.size} fields, ${shared.length} written from two or more files`)
  for (const [field, files] of shared)
    console.log(`  ${field}: ${[...files].toSorted().join(', ')}`)
  if (MUST_BE_ONE.has(noun) && shared.length > 0) failed = true
}
if (failed)
  console.error(
    'A field of a connection, of a session, or of what waits for it, is written by one file.',
  )
process.exit(failed ? 1 : 0)
