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

/** Runs a command with its output on standard error; 0: it was successful. */
function run(command, args) {
  // npm is a script on Windows, which only a shell runs; a path may have spaces there.
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (status === 0) return 0
  process.stderr.write(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`)
  return status || 1
}

/** The same; ends this process when it fails. */
export function runOrExit(command, args) {
  const status = run(command, args)
  if (status !== 0) process.exit(status)
}

/** Why the packages are to be installed; null: they are there, and as new as the lock file. */
export function whyInstall() {
  // npm writes this file last.
  const installedMs = changedMs(join(root, 'node_modules', '.package-lock.json'))
  if (installedMs === 0) return 'node_modules is missing'
  const isOld = installedMs < changedMs(join(root, 'package-lock.json'))
  return isOld ? 'node_modules is older than package-lock.json' : null
}

/** Installs the packages when they are missing or older than the lock file. */
export function install() {
  const why = whyInstall()
  if (why === null) return
  process.stderr.write(`${why}: npm ci installs what package-lock.json names\n`)
  runOrExit('npm', ['ci'])
}

/** When one of the sources that `build` compiles was last changed, ms. */
export function sourcesMs() {
  const files = ['tsconfig.base.json', 'tsconfig.build.json', 'package.json']
  return Math.max(newestMs(join(root, 'src')), ...files.map((file) => changedMs(join(root, file))))
}

/** Compiles `src`; 0: without an error. */
export function compile() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return run(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
}

/** Compiles `src` when the result is missing or older than the sources. */
export function build() {
  if (changedMs(join(root, 'dist', 'cli', 'main.js')) >= sourcesMs()) return
  const status = compile()
  if (status !== 0) process.exit(status)
}

/** Ends this process with the one that started it: npm puts a shell between, and a signal to npm ends no more than that. */
export function endWithParent() {
  const parent = process.ppid
  const watch = () => process.ppid !== parent && process.kill(process.pid, 'SIGTERM')
  setInterval(watch, 500).unref()
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
