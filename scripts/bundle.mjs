// node scripts/bundle.mjs: the commands in few files, dist/program, so that the program starts in half the time: most of a start
// was finding and linking 300 modules. CommonJS; beside it dist has the modules, for those who use the library. `bin/mozzie` takes these
// files as long as they are not older than the modules.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './setup.mjs'

const source = join(root, 'src')
const OWN_FILE = /new URL\('(?:\.\/)?([\w-]+)\.js', import\.meta\.url\)/g
const FILE_ABOVE = /new URL\('\.\./

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : path.endsWith('.ts') ? [path] : []
  })
}

/** Files that are started by their path, as workers or processes: they keep their names. */
function startedFiles() {
  const found = {}
  for (const path of filesIn(source)) {
    const text = readFileSync(path, 'utf8')
    for (const [, name] of text.matchAll(OWN_FILE)) {
      if (found[name] !== undefined)
        throw new Error(`two files ${name}.js are started by their path`)
      found[name] = join(dirname(path), `${name}.ts`)
    }
    // dist/program is as deep as dist/server: from a deeper file the way up would be another one.
    if (FILE_ABOVE.test(text) && relative(source, path).split(sep).length !== 2)
      throw new Error(`${path} looks for a file above itself: bundled it would not find it`)
  }
  return found
}

/** What loading a module of src loads with it, by `import` statements alone. */
function loadedBy(file, graph) {
  const reached = new Set([join(source, file)])
  for (const id of reached)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) reached.add(imported)
  return reached
}

/** One file for what both load, without what a group of a higher priority has. */
function shared(name, one, other, priority) {
  let both = null
  const nameOf = (id, graph) => {
    if (both === null) {
      const others = loadedBy(other, graph)
      both = new Set([...loadedBy(one, graph)].filter((each) => others.has(each)))
    }
    return both.has(id) ? name : null
  }
  return { name: nameOf, debugName: name, priority }
}

/**
 * Each file costs a start half a millisecond, so what is loaded together lies together; what a command does not need lies
 * elsewhere. By itself the bundler would make a file for each set of commands that share something.
 */
const GROUPS = [
  shared('start', 'cli/main.ts', 'cli/broker.ts', 6),
  shared('client', 'cli/pub.ts', 'cli/run-broker.ts', 5),
  shared('tools', 'cli/pub.ts', 'cli/sub.ts', 4),
  shared('passwords', 'cli/passwd.ts', 'cli/run-broker.ts', 3),
  shared('configuration', 'cli/doctor.ts', 'cli/run-broker.ts', 2),
  shared('core', 'server/thread-main.ts', 'cli/run-broker.ts', 1),
]

/** What not every start needs of Node: each takes up to a millisecond and half a MiB. */
const SELDOM_NEEDED =
  /^let (node_\w+) = require\("(node:(?:child_process|crypto|dns\/promises|fs\/promises|https?|module|tls|worker_threads|zlib))"\);$/gm

/** Loaded where something of it is used first. */
function whenUsed(name, specifier, code) {
  const used = new Set(
    [...code.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, word]) => word),
  )
  const getters = [...used].map(
    (word) => `get ${word}() { return (this.loaded ??= require("${specifier}")).${word}; }`,
  )
  return `const ${name} = { loaded: undefined, ${getters.join(', ')} };`
}

/**
 * Chunks refer to each other as `require_core.name`, by a getter. On the way of a message that would be a call more: each name
 * is a constant instead; `name$1` is one too, where two modules have a `name`. Nothing becomes longer or moves, but for the first
 * lines: the source maps stay true.
 */
function withConstants(code) {
  const names = new Map()
  const body = code.replaceAll(/\b(require_[\w$]+)\.([\w$]+)/g, (_, chunk, name) => {
    names.set(chunk, (names.get(chunk) ?? new Set()).add(name))
    return `${chunk}_${name}`
  })
  return body
    .replaceAll(/^const (require_[\w$]+) = (require\(.*\));$/gm, (_, chunk, loaded) => {
      const wanted = [...(names.get(chunk) ?? [])].map((name) => `${name}: ${chunk}_${name}`)
      return `const { ${wanted.join(', ')} } = ${loaded};`
    })
    .replaceAll(SELDOM_NEEDED, (_, name, specifier) => whenUsed(name, specifier, code))
}

/** A constant is read while its chunk is loaded: it must be there by then. */
function refuseCycles(chunks) {
  const importsOf = new Map(chunks.map(({ fileName, imports }) => [fileName, imports ?? []]))
  const finished = new Set()
  const visit = (fileName, way) => {
    if (way.includes(fileName)) throw new Error(`a cycle: ${[...way, fileName].join(' → ')}`)
    if (finished.has(fileName)) return
    for (const imported of importsOf.get(fileName) ?? []) visit(imported, [...way, fileName])
    finished.add(fileName)
  }
  for (const fileName of importsOf.keys()) visit(fileName, [])
}

const TAKES = /^const \{ (.*) \} = require\("\.\/([^"]+)"\);$/gm
const CHUNK_NAME = /\brequire_[\w$]+/g
const GIVES = /^(?:Object\.defineProperty\(exports, "|exports\.)([\w$]+)/gm

/** What a chunk takes of others they give, and nothing of them is named that it did not take: JavaScript would say so when it runs. */
function refuseUnknownNames(chunks) {
  const given = new Map(
    chunks.map(({ fileName, code }) => [
      fileName,
      new Set([...code.matchAll(GIVES)].map(([, name]) => name)),
    ]),
  )
  for (const { fileName, code } of chunks) {
    const taken = new Set()
    const others = new Set()
    for (const [, pairs, from] of code.matchAll(TAKES))
      for (const pair of pairs.split(', ').filter((each) => each !== '')) {
        const [name, constant] = pair.split(': ')
        if (!given.get(from)?.has(name)) throw new Error(`${fileName}: ${from} has no ${name}`)
        taken.add(constant)
        others.add(constant.slice(0, -name.length))
      }
    // An option of a configuration is `require_certificate`.
    const isOthers = (name) => [...others].some((other) => name.startsWith(other))
    for (const [name] of code.matchAll(CHUNK_NAME))
      if (!taken.has(name) && isOthers(name)) throw new Error(`${fileName}: nothing is ${name}`)
  }
}

const REQUIRED = /\brequire\("([^."][^"]*)"\)/g

/** A package that is only for `import` is one for `import()`. */
function refuseUnrequirable(chunks) {
  const { resolve } = createRequire(join(root, 'package.json'))
  for (const { fileName, code } of chunks)
    for (const [, name] of code.matchAll(REQUIRED))
      try {
        resolve(name)
      } catch (error) {
        throw new Error(`${fileName} needs import('${name}')`, { cause: error })
      }
}

const directory = join(root, 'dist', 'program')
rmSync(directory, { recursive: true, force: true })
const bundle = await rolldown({
  cwd: root,
  input: { main: join(source, 'cli', 'main.ts'), ...startedFiles() },
  platform: 'node',
  // Packages stay where npm put them.
  external: /^[^./]/,
  plugins: [
    { name: 'constants', renderChunk: (code) => ({ code: withConstants(code), map: null }) },
  ],
})
const { output } = await bundle.write({
  dir: directory,
  // Node loads it sooner than modules of ECMAScript, which it looks for in threads: a tenth of a start.
  format: 'cjs',
  sourcemap: true,
  // V8 keeps the text of what it runs: twice as large with a single character beyond Latin-1 in it, a drawing in a comment.
  comments: false,
  charset: 'ascii',
  codeSplitting: { groups: GROUPS },
  chunkFileNames: ({ facadeModuleId, name }) =>
    facadeModuleId === null ? `${name}-part.js` : `${basename(facadeModuleId, '.ts')}.js`,
})
await bundle.close()
const chunks = output.filter(({ type }) => type === 'chunk')
refuseCycles(chunks)
refuseUnknownNames(chunks)
refuseUnrequirable(chunks)
writeFileSync(join(directory, 'package.json'), '{ "type": "commonjs" }\n')
