/** `npm run example:NAME [-- ARGUMENTS]`: a program of `examples/`, installed and built as far as that is needed. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, endWithParent, install, root, runOrExit } from './setup.mjs'

// First: npm may be ended while this one builds.
endWithParent()
install()
build()
runOrExit(process.execPath, [
  join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
  '-p',
  'tsconfig.json',
])
const [name] = process.argv.splice(2, 1)
process.chdir(root)
await import(pathToFileURL(join(root, 'build', 'examples', name, 'main.js')).href)
