// npm run dev [-- ARGUMENTS]: the broker from a checkout, built and started anew after every change below src/. A change
// that does not compile leaves the running one alone; the page is built once: `npx vite build web --watch` does it on change.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build, buildWeb, compile, endWithParent, install, root, sourcesMs } from './setup.mjs'

/** Asked for times of change: that works on every platform, and costs a millisecond or two. */
const POLL_MS = 300

let broker = null

function start() {
  const program = join(root, 'bin', 'mozzie')
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', program, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  )
  broker = child
  child.once('exit', (status, signal) => {
    if (broker !== child) return
    broker = null
    say(`the broker has ended (${signal ?? status}); it starts again after the next change`)
  })
}

async function stop() {
  const child = broker
  if (child === null) return
  broker = null
  child.kill('SIGTERM')
  await once(child, 'exit')
}

function say(text) {
  process.stderr.write(`dev: ${text}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    await stop()
    process.exit(0)
  })
endWithParent()

install()
build()
buildWeb()
let builtMs = sourcesMs()
start()
for (;;) {
  await sleep(POLL_MS)
  const changedMs = sourcesMs()
  if (changedMs === builtMs) continue
  builtMs = changedMs
  const startedMs = Date.now()
  if (compile() !== 0) {
    say('does not compile; what was built before goes on')
    continue
  }
  say(`built in ${Date.now() - startedMs} ms, starting again`)
  await stop()
  start()
}
