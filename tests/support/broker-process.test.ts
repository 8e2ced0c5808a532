import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { waitMsMax } from './patience.ts'

const HANGING = `--import=data:text/javascript,${encodeURIComponent('setInterval(() => {}, 1e3); await new Promise(() => {})')}`

test('a process whose broker hangs at its start ends, and says so', async () => {
  const file = new URL('./broker-process.js', import.meta.url).href
  // As a test that fails: its process lives as long as something of it does.
  const program = `const { startBroker } = await import(${JSON.stringify(file)})
    const env = { ...process.env, NODE_OPTIONS: ${JSON.stringify(HANGING)} }
    await startBroker('', 'mozzie', env).catch(({ message }) => console.error(message))`
  const env = { ...process.env, MOZZIE_TEST_PATIENCE: '0.02', MOZZIE_TEST_CLUSTER: '' }
  const options = { env, timeout: waitMsMax }
  const [error, stderr] = await new Promise<[Error | null, string]>((resolve) =>
    execFile(
      process.execPath,
      ['--input-type=module', '-e', program],
      options,
      (failure, _, text) => resolve([failure, text]),
    ),
  )
  assert.match(stderr, /the broker does not accept/)
  assert.equal(error, null, 'it did not end by itself')
})
