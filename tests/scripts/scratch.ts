/** A checkout in a few files: the real scripts and packages, a program and a test that are as small as can be. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const COPIED = ['scripts', 'bin', 'tsconfig.base.json', 'tsconfig.build.json', 'tsconfig.json']

export interface Scratch {
  readonly directory: string
  /** Writes a file, below the checkout. */
  write(path: string, text: string): void
  remove(): void
}

/** @param packages false: nothing is installed yet. */
export function makeScratch({ packages = true } = {}): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-scratch-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const isProgram = (path: string): boolean => !path.endsWith('.ts')
  for (const name of COPIED)
    cpSync(name, join(directory, name), { recursive: true, filter: isProgram })
  write('package.json', JSON.stringify({ name: 'scratch', type: 'module' }))
  write('package-lock.json', '{}')
  // Not newer than what is installed.
  utimesSync(join(directory, 'package-lock.json'), 1, 1)
  // The page is there, and newer than what it is made of.
  for (const folder of [
    'src/client',
    'src/codec',
    'src/topics',
    'src/base',
    'web/src',
    'web/public',
  ])
    mkdirSync(join(directory, folder), { recursive: true })
  write('dist/web/index.html', '')
  const later = Date.now() / 1000 + 3600
  utimesSync(join(directory, 'dist/web/index.html'), later, later)
  if (packages) symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'node_modules'))
  return { directory, write, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
