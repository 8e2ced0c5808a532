/** What threads need of the system, a process for a moment and threads: what becomes of the broker where it has none to give. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectOnce } from '../support/connect-once.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, spawnMozzie, startMozzie, until, writeConfig } from './run-mozzie.ts'

/** More than a thread takes that leaves others their share. */
const CLIENTS = 40

const PROGRAMS = [
  { what: 'cannot be started', program: '/nowhere/node', said: 'spawn /nowhere/node ENOENT' },
  { what: 'ends at once', program: '/bin/false', said: 'the process that does it ended' },
]

for (const { what, program, said } of PROGRAMS)
  test(`where the process that copies sockets ${what} one thread takes all clients, and a line says what to do`, async (context) => {
    const [directory, port] = [scratch(context), await freePort()]
    const module = join(directory, 'elsewhere.mjs')
    writeFileSync(module, `process.execPath = ${JSON.stringify(program)}\n`)
    process.env.NODE_OPTIONS = `--import ${module}`
    context.after(() => void delete process.env.NODE_OPTIONS)
    const lines = `thread_count 3\nlistener ${port} 127.0.0.1\nallow_anonymous true`
    const mozzie = await startMozzie(context, '-c', writeConfig(directory, lines))
    delete process.env.NODE_OPTIONS
    for (let count = 0; count < CLIENTS; count++) {
      const client = await connectOnce(`mqtt://127.0.0.1:${port}`)
      context.after(() => void client.end(true))
      await client.subscribeAsync('x', { qos: 1 })
    }
    const warning = mozzie
      .stderr()
      .split('\n')
      .filter((line) => line.includes('Warning: only one of 3 threads takes clients'))
    assert.equal(warning.length, 1, mozzie.stderr())
    assert.ok(warning[0].includes(`${said}. thread_count needs one for a moment`), warning[0])
  })

test('a process for the copies that hangs goes with the broker', async (context) => {
  const [directory, port] = [scratch(context), await freePort()]
  const [module, program, pidFile] = ['hangs.mjs', 'hangs.sh', 'pid'].map((name) =>
    join(directory, name),
  )
  const fault = `import { isMainThread } from 'node:worker_threads'\nif (isMainThread) process.execPath = '${program}'\n`
  writeFileSync(module, fault)
  const script = `#!/bin/sh\necho $$ > ${pidFile}.new\nmv ${pidFile}.new ${pidFile}\nexec sleep 600\n`
  writeFileSync(program, script, { mode: 0o755 })
  process.env.NODE_OPTIONS = `--import ${module}`
  context.after(() => void delete process.env.NODE_OPTIONS)
  const lines = `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true`
  const mozzie = spawnMozzie(context, '-c', writeConfig(directory, lines))
  await until(() => existsSync(pidFile), mozzie.stderr)
  const pid = Number(readFileSync(pidFile, 'utf8'))
  context.after(() => isThere(pid) && process.kill(pid, 'SIGKILL'))
  mozzie.signal('SIGTERM')
  await mozzie.exited
  await until(
    () => !isThere(pid),
    () => `${pid} is still there`,
  )
})

test('where no thread can be started the start fails, and the line says what to do', async (context) => {
  const [directory, port] = [scratch(context), await freePort()]
  const module = join(directory, 'none.mjs')
  writeFileSync(
    module,
    "import threads from 'node:worker_threads'\nimport { syncBuiltinESMExports } from 'node:module'\n" +
      "threads.Worker = class { constructor() { throw new Error('EAGAIN') } }\nsyncBuiltinESMExports()\n",
  )
  process.env.NODE_OPTIONS = `--import ${module}`
  context.after(() => void delete process.env.NODE_OPTIONS)
  const lines = `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true`
  const mozzie = spawnMozzie(context, '-c', writeConfig(directory, lines))
  assert.equal(await mozzie.exited, 1)
  assert.match(
    mozzie.stderr(),
    /Error: thread 1 of 2 cannot be started: EAGAIN\. Look at LimitNPROC/,
  )
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
