import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join, normalize, sep } from 'node:path'
import { test } from 'node:test'
import { leastOf } from '../support/patience.ts'
import { startTool } from './tool-process.ts'

/** What is loaded at once with `file`: files of src, and packages by name. Types are not loaded. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm,
  )
  for (const [, target] of statements) {
    if (target.startsWith('.')) loadedWith(normalize(join(dirname(file), target)), seen)
    else seen.add(target)
  }
  return seen
}

const foreign = ['src/server', 'src/broker', 'src/transports', 'src/auth', 'src/store', 'src/admin']

for (const tool of ['pub', 'sub', 'rr']) {
  test(`${tool} loads nothing of the broker, and no package, before it connects`, () => {
    const loaded = [...loadedWith(join('src', 'cli', `${tool}.ts`))]
    assert.ok(loaded.includes(join('src', 'client', 'client.ts')), 'the walk reaches the client')
    const wrong = loaded.filter((name) =>
      foreign.some((folder) => name.startsWith(normalize(folder) + sep)),
    )
    assert.deepEqual(wrong, [])
    const packages = loaded.filter((name) => !existsSync(name) && !name.startsWith('node:'))
    assert.deepEqual(packages, [])
    assert.ok(loaded.length <= 110, `${loaded.length} modules`)
  })
}

async function bareMs(): Promise<number> {
  const startMs = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'close')
  return performance.now() - startMs
}

async function firstByteMs(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = String((server.address() as AddressInfo).port)
  const startMs = performance.now()
  const args = ['-h', '127.0.0.1', '-p', port, '-t', 'a', '-m', 'b']
  const running = startTool('mozzie', 'pub', args)
  const [socket] = (await once(server, 'connection')) as [Socket]
  await once(socket, 'data')
  const elapsedMs = performance.now() - startMs
  socket.destroy()
  running.kill('SIGKILL')
  await running.outcome
  server.close()
  return elapsedMs
}

test('the first byte is sent soon after Node itself has started', async () => {
  let bare = 0
  const first = await leastOf(1, async () => {
    bare = await bareMs()
    // On an idle machine 45 and 90 ms.
    return (await firstByteMs()) / (bare * 3 + 100)
  })
  assert.ok(first <= 1, `${first.toFixed(2)} of what it may take, Node alone ${bare.toFixed(0)} ms`)
})
