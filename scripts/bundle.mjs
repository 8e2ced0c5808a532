// node scripts/bundle.mjs: the commands in few files, dist/program, so that the program starts in half the time: most of a start
// was finding and linking 300 modules. Beside it dist has the modules, for those who use the library. `bin/mozzie` takes these
// files as long as they are not older than the modules.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
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

const directory = join(root, 'dist', 'program')
rmSync(directory, { recursive: true, force: true })
const bundle = await rolldown({
  cwd: root,
  input: { main: join(source, 'cli', 'main.ts'), ...startedFiles() },
  platform: 'node',
  // Packages stay where npm put them.
  external: /^[^./]/,
})
await bundle.write({
  dir: directory,
  format: 'esm',
  sourcemap: true,
  // V8 keeps the text of what it runs: twice as large with a single character beyond Latin-1 in it, a drawing in a comment.
  comments: false,
  charset: 'ascii',
  codeSplitting: { groups: GROUPS },
  chunkFileNames: ({ facadeModuleId, name }) =>
    facadeModuleId === null ? `${name}-part.js` : `${basename(facadeModuleId, '.ts')}.js`,
})
await bundle.close()
