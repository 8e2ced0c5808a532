/** `npm start [-- ARGUMENTS]`: the broker from a checkout, installed and built as far as that is needed. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, buildWeb, install, root } from './setup.mjs'

install()
build()
buildWeb()
// npm puts a shell between itself and us, and a signal to npm ends no more than that.
const parent = process.ppid
const watch = () => process.ppid !== parent && process.kill(process.pid, 'SIGTERM')
setInterval(watch, 500).unref()
// In this process, not in one of its own: whoever signals or kills this one means the broker.
process.argv[1] = join(root, 'bin', 'mozzie')
await import(pathToFileURL(process.argv[1]).href)
