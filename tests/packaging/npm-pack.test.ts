/** What a user of npm gets: the program with its maps and documents, and nothing else. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

interface Packed {
  readonly files: readonly { readonly path: string; readonly mode: number }[]
  readonly unpackedSize: number
}

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }),
) as Packed[]
const paths = packed.files.map(({ path }) => path)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

const EXPECTED =
  /^(?:(?:README(?:\.zh-CN)?\.md|CHANGELOG\.md|LICENSE|package\.json)$|(?:bin|dist|docs|packaging)\/)/

test('the package holds program, documents and packaging, no tests and no sources beside the maps', () => {
  assert.deepEqual(
    paths.filter((path) => !EXPECTED.test(path)),
    [],
  )
  const sources = paths.filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  assert.deepEqual(sources, [])
  assert.ok(packed.unpackedSize < 20 << 20, `${packed.unpackedSize} bytes`)
})

test('what package.json names is in it, and programs can be run', () => {
  const named = [
    ...Object.values<string>(manifest.bin),
    ...manifest.man,
    'dist/index.js',
    'dist/client/web.js',
  ]
  for (const path of named) assert.ok(paths.includes(path), path)
  // Says that programs and bundle are CommonJS: without it none of them starts.
  for (const path of ['bin/package.json', 'dist/program/package.json'])
    assert.ok(paths.includes(path), path)
  for (const { path, mode } of packed.files)
    if (path.startsWith('bin/mozzie')) assert.equal(mode & 0o111, 0o111, path)
})

test('each module has its types, and a map that holds its source', () => {
  // What an older build left in dist is removed by `prepack`.
  const modules = paths.filter(
    (path) =>
      path.endsWith('.js') && existsSync(path.replace('dist', 'src').replace(/\.js$/, '.ts')),
  )
  assert.ok(modules.length > 200)
  for (const path of modules) {
    const map = JSON.parse(readFileSync(`${path}.map`, 'utf8'))
    assert.ok(paths.includes(`${path}.map`), path)
    assert.equal(map.sourcesContent?.length, 1, path)
  }
})

test('both languages of the documents are in it, and the page', () => {
  for (const path of [
    'README.zh-CN.md',
    'docs/security.md',
    'docs/zh/security.md',
    'dist/web/index.html',
  ])
    assert.ok(paths.includes(path), path)
})
