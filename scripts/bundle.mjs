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
  chunkFileNames: ({ facadeModuleId, name }) =>
    facadeModuleId === null ? `${name}-part.js` : `${basename(facadeModuleId, '.ts')}.js`,
})
await bundle.close()
