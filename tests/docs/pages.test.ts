/** Whatever a page tells people to type works as it stands there, in both languages. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { testMsMax } from '../support/patience.ts'
import { blocksOf, commandsOf } from './blocks.ts'

const run = promisify(execFile)
const inFolder = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : []))
const pages = [
  'README.md',
  'README.zh-CN.md',
  'CONTRIBUTING.md',
  ...inFolder('docs'),
  ...inFolder('docs/zh'),
]
const blocks = pages.flatMap((page) =>
  blocksOf(readFileSync(page, 'utf8')).map((block) => ({ page, ...block })),
)

test('every block says in which language it is, and why it cannot run where it cannot', () => {
  const nameless = blocks.filter(({ language }) => language === '')
  assert.deepEqual(
    nameless.map(({ page, line }) => `${page}:${line}`),
    [],
  )
})

for (const { page, line, code } of blocks.filter(({ language }) => language === 'conf'))
  test(`${page}:${line} is a configuration without a mistake`, () => {
    const bytes = new TextEncoder().encode(code)
    try {
      parseConfig({ file: page, bytes }, () => [], { environment: {}, readSecret: () => 'secret' })
    } catch (error) {
      assert.ok(!(error instanceof ConfigError), (error as Error).message)
    }
  })

const isolated = spawnSync('unshare', ['--net', '--mount', 'ip', 'link', 'set', 'lo', 'up'])
const skip = isolated.status === 0 ? false : 'no name spaces here (root and unshare are needed)'

/** Pages whose blocks are the same but for remarks, as those of both languages are, stand together. */
function pagesByCommands(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const page of pages) {
    const used = blocks.filter(
      (block) =>
        block.page === page &&
        block.notRun === null &&
        (block.language === 'sh' || block.file !== null),
    )
    if (!used.some(({ language }) => language === 'sh')) continue
    const lines = used.map((block) => [
      block.file,
      commandsOf(block).map((line) => line.replace(/\s+#.*/, '')),
    ])
    const key = JSON.stringify(lines)
    found.set(key, [...(found.get(key) ?? []), page])
  }
  return found
}

describe('what is to be typed', { skip, concurrency: 2 }, () => {
  const program = fileURLToPath(new URL('./run-page.js', import.meta.url))
  for (const [page, ...same] of pagesByCommands().values())
    test(
      `the commands of ${[page, ...same].join(' and ')} work`,
      { timeout: testMsMax },
      async (context) => {
        const scratch = mkdtempSync(join(tmpdir(), 'mozzie-docs-'))
        context.after(() => rmSync(scratch, { recursive: true, force: true }))
        const words = [
          '--net',
          '--mount',
          '--pid',
          '--fork',
          '--kill-child',
          process.execPath,
          program,
        ]
        const { stdout } = await run('unshare', [...words, page, process.cwd(), scratch])
        assert.equal(stdout, '')
      },
    )
})
