import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { processMsMax, testMsMax } from '../support/patience.ts'

/** Every block of JavaScript in the documents is a program that runs to its end. */
const pages = ['docs/client.md', 'docs/zh/client.md']

let broker: BrokerProcess
// Within the package, so that its own name leads to it.
mkdirSync('build', { recursive: true })
const directory = mkdtempSync(join('build', 'examples-'))
before(async () => {
  broker = await startBroker()
})
after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

const run = promisify(execFile)

for (const page of pages) {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)]
  assert.ok(blocks.length > 0, `${page} has no examples`)
  for (const [index, [, code]] of blocks.entries()) {
    test(`${page}, example ${index + 1}, runs`, { timeout: testMsMax }, async () => {
      const file = join(directory, `${page.replaceAll('/', '-')}-${index}.mjs`)
      writeFileSync(file, code.replaceAll('127.0.0.1:1883', `127.0.0.1:${broker.port}`))
      const { stdout, stderr } = await run(process.execPath, [file], { timeout: processMsMax })
      assert.equal(stderr, '')
      assert.notEqual(stdout, '')
    })
  }
}
