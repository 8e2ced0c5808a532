import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const module = new URL('../../src/cli/young-space.js', import.meta.url)

/** Keeps objects, and says how large the space for new ones is: at the start, with them, and when it may grow. */
const script = `
import { getHeapSpaceStatistics } from 'node:v8'
import { growYoungSpaceWhenBusy, keepYoungSpace } from '${module.href}'
const young = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size
const kept = []
const keep = () => {
  for (let each = 0; each < 200_000; each++) kept.push({ each })
}
keepYoungSpace()
keep() // both halves of it are taken with the first collection
const start = young()
keep()
const full = young()
growYoungSpaceWhenBusy(5)
for (let round = 0; round < 40 && young() <= full; round++) {
  keep()
  await new Promise(setImmediate)
}
process.stdout.write(JSON.stringify({ start, full, busy: young() }))`

test('the space for new objects grows when collections come often, not because objects stay', () => {
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const { start, full, busy } = JSON.parse(said) as { start: number; full: number; busy: number }
  assert.ok(full <= start, `${start} bytes, with what stays ${full}`)
  assert.ok(busy > full, `${full} bytes, with collections ${busy}`)
})
