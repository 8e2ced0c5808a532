/**
 * V8 copies small functions into the large ones that call them, up to 920 bytes of bytecode for each. The way of a PUBLISH is
 * many small functions and more than that: what goes beyond becomes real calls, which cost as much as what they do.
 */
import { setFlagsFromString } from 'node:v8'

/** Of Node 20 to 26. More than this brought nothing. */
const FLAG = '--max-inlined-bytecode-size-cumulative=4000'

/** For a process of our own: whoever uses the library decides for his. */
export function inlineMore(): void {
  setFlagsFromString(FLAG)
}
