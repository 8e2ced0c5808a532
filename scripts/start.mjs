/** `npm start [-- ARGUMENTS]`: the broker from a checkout, installed and built as far as that is needed. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, buildWeb, endWithParent, install, root } from './setup.mjs'

// First: npm may be ended while this one builds.
endWithParent()
install()
build()
buildWeb()
// Stack traces in lines of the sources; what is loaded from here on.
process.setSourceMapsEnabled(true)
// In this process, not in one of its own: whoever signals or kills this one means the broker.
process.argv[1] = join(root, 'bin', 'mozzie')
await import(pathToFileURL(process.argv[1]).href)
