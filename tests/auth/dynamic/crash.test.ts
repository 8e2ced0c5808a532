/** `kill -9` while the file is being saved: it is whole, and has all that was answered. MOZZIE_DYNSEC_SAVES=500 for more. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { scratch } from '../../server/run-mozzie.ts'
import { endWithUs } from '../../support/children.ts'
import { textOf } from './plugin.ts'

const savesMin = Number(process.env['MOZZIE_DYNSEC_SAVES'] ?? 60)
const savesBetweenKillsMax = 25
const saver = fileURLToPath(new URL('saver.js', import.meta.url))

test(`killed again and again during ${savesMin} saves, the file is whole and has what was answered`, async (context) => {
  const file = join(scratch(context), 'd.json')
  // Large enough that a write is not over at once.
  const users = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`user${at}`, []]))
  writeFileSync(file, await textOf({ users }))
  let saves = 0
  let kills = 0
  while (saves < savesMin) {
    const wanted = Math.ceil(Math.random() * savesBetweenKillsMax)
    const child = endWithUs(
      spawn(process.execPath, [saver, file], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      // In the middle of the next one, at a moment that nobody chose.
      if (said.split('\n').length > wanted)
        setTimeout(() => child.kill('SIGKILL'), Math.random() * 5)
    })
    await once(child, 'close')
    const answered = said.split('\n').filter(Boolean)
    const { state } = readState(readFileSync(file, 'utf8'), file)
    assert.ok(state.changeIndex >= Number(answered.at(-1)), `after ${answered.at(-1)}`)
    assert.equal(state.clients.size, 301)
    saves += answered.length
    kills++
  }
  context.diagnostic(`${saves} saves, ${kills} kills`)
})
