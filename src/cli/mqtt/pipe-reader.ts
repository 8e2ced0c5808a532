/**
 * Whether anybody still reads the pipe that standard output is. libuv says nothing of a pipe that is only written to, and
 * a write finds out too late when there is nothing to write. GNU tail asks the kernel, so one of its kind stands by:
 *
 *     sub ── standard output ──▶ reader
 *     tail -f /dev/null ───┘        the reader goes: SIGPIPE ends tail;  we go: `--pid` ends it, or `exit` does
 */
import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'

const STANDARD_OUTPUT = 1

/** Calls `gone` when the reader is. Where standard output is no pipe, or there is no GNU tail, that never happens. */
export function onReaderGone(gone: () => void): void {
  if (process.platform !== 'linux' || !fstatSync(STANDARD_OUTPUT).isFIFO()) return
  const tail = spawn('tail', ['-f', `--pid=${process.pid}`, '/dev/null'], {
    stdio: ['ignore', 'inherit', 'ignore'],
  })
  tail.unref()
  tail.once('error', () => undefined)
  // Another tail ends at once, with an exit code: it does not know `--pid`.
  tail.once('exit', (_code, signal) => {
    if (signal === 'SIGPIPE') gone()
  })
  // The reader must not wait for more than what is ours.
  process.once('exit', () => tail.kill('SIGKILL'))
}
