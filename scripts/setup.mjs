/** Brings a checkout into a state that runs: packages installed, sources compiled. Needs nothing but Node. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Time of the last change; 0: there is no such file. */
function changedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0
}

/** Time of the last change below a directory, the directory itself included: files that went count. */
function newestMs(directory) {
  const inside = readdirSync(directory, { withFileTypes: true }).map((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? newestMs(path) : changedMs(path)
  })
  return Math.max(changedMs(directory), ...inside)
}

/** Runs a command with its output on standard error; ends this process when it fails. */
export function runOrExit(command, args) {
  const shell = process.platform === 'win32'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (status === 0) return
  process.stderr.write(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`)
  process.exit(status || 1)
}

/** Installs the packages when they are missing or older than the lock file. */
export function install() {
  // npm writes this file last.
  const installedMs = changedMs(join(root, 'node_modules', '.package-lock.json'))
  if (installedMs >= changedMs(join(root, 'package-lock.json')) && installedMs > 0) return
  runOrExit('npm', ['ci'])
}

/** Compiles `src` when the result is missing or older than the sources. */
export function build() {
  const sources = ['tsconfig.base.json', 'tsconfig.build.json', 'package.json']
  const sourceMs = Math.max(
    newestMs(join(root, 'src')),
    ...sources.map((file) => changedMs(join(root, file))),
  )
  if (changedMs(join(root, 'dist', 'cli', 'main.js')) >= sourceMs) return
  runOrExit(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
  ])
}

/** Builds the page when it is missing or older than its sources, the client library and the codec among them. */
export function buildWeb() {
  const folders = ['web/src', 'web/public', 'src/client', 'src/codec', 'src/topics', 'src/base']
  const files = ['web/index.html', 'web/vite.config.ts', 'web/package.json', 'package-lock.json']
  const sourceMs = Math.max(
    ...folders.map((folder) => newestMs(join(root, folder))),
    ...files.map((file) => changedMs(join(root, file))),
  )
  if (changedMs(join(root, 'dist', 'web', 'index.html')) >= sourceMs) return
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  runOrExit(process.execPath, [vite, 'build', 'web', '--logLevel', 'warn'])
}
