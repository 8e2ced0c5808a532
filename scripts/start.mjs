/** `npm start [-- ARGUMENTS]`: the broker from a checkout, installed and built as far as that is needed. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, buildWeb, install, root } from './setup.mjs'

install()
build()
buildWeb()
const args = [join(root, 'bin', 'mozzie'), ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])
  process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal === null ? code : 1))
