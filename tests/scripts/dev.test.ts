import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { endWithUs } from '../support/children.ts'
import { testMsMax } from '../support/patience.ts'
import { makeScratch } from './scratch.ts'

const program = (word: string): string => `
export async function main(): Promise<void> {
  console.log('${word}')
  process.once('SIGTERM', () => process.exit(0))
  setInterval(() => {}, 1000)
}
`

test(
  'npm run dev starts the broker again after a change, but not after one that does not compile',
  { timeout: testMsMax },
  async (t) => {
    const scratch = makeScratch()
    t.after(() => scratch.remove())
    scratch.write('src/cli/main.ts', program('one'))
    const child = endWithUs(
      spawn(process.execPath, ['scripts/dev.mjs'], { cwd: scratch.directory }),
    )
    let said = ''
    const news = new EventTarget()
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        news.dispatchEvent(new Event('text'))
      })
    const saidNow = async (text: string): Promise<void> => {
      while (!said.includes(text)) await once(news, 'text')
    }
    await saidNow('one\n')
    scratch.write('src/cli/main.ts', 'export const main: number = "two"\n')
    await saidNow('does not compile')
    scratch.write('src/cli/main.ts', program('three'))
    await saidNow('three\n')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
    assert.equal(said.match(/^(?:one|three)$/gm)?.join(), 'one,three')
  },
)
