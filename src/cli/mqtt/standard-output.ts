/** Standard output in bundles, and what a terminal must not get as it comes. */
import type { Print } from './format-print.ts'
import { onReaderGone } from './pipe-reader.ts'

const BUNDLE_BYTES = 64 * 1024
/** What a shell reports of a program that wrote to a pipe which nobody reads any more. */
const BROKEN_PIPE_EXIT_CODE = 141
/** Whoever printed something meanwhile would have heard of a broken pipe. */
const SILENCE_MS = 1000

const strictDecoder = new TextDecoder('utf-8', { fatal: true })

/** Control characters but tab and line feed, and what turns the direction of writing around. */
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
const BREAKING = /[\t\n]/g

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Bytes from strangers as a terminal may have them. What is no UTF-8 is shown byte by byte. */
export function forTerminal(bytes: Uint8Array, hasLines: boolean): string {
  let text: string
  try {
    text = strictDecoder.decode(bytes)
  } catch {
    text = Buffer.from(bytes)
      .toString('latin1')
      .replace(/[\u0080-\u00ff]/g, escaped)
  }
  const safe = text.replace(DANGEROUS, escaped)
  return hasLines ? safe : safe.replace(BREAKING, escaped)
}

/** JSON for a terminal: still the same JSON, with escapes of its own. */
function jsonForTerminal(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * Collects what one chunk of network input makes us print, and writes it before anything else happens: a message is
 * on standard output before its acknowledgement leaves.
 */
export class StandardOutput implements Print {
  private buffer = Buffer.allocUnsafe(BUNDLE_BYTES)
  private length = 0
  private isScheduled = false
  private isSilent = true
  readonly isTerminal: boolean
  private readonly onError: (line: string) => void

  /** @param onError Gets what belongs on standard error. */
  constructor(onError: (line: string) => void, isTerminal = process.stdout.isTTY) {
    this.onError = onError
    this.isTerminal = isTerminal
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE')
        onError(`Error: Unable to write to standard output: ${error.message}.`)
      process.exit(error.code === 'EPIPE' ? BROKEN_PIPE_EXIT_CODE : 1)
    })
    const watch = setInterval(() => {
      if (this.isSilent) {
        clearInterval(watch)
        onReaderGone(() => process.exit(BROKEN_PIPE_EXIT_CODE))
      }
      this.isSilent = true
    }, SILENCE_MS).unref()
  }

  text(text: string): void {
    const bytesMax = text.length * 3
    if (bytesMax > BUNDLE_BYTES) return this.bytes(Buffer.from(text))
    this.reserve(bytesMax)
    this.length += this.buffer.write(text, this.length)
  }

  foreign(bytes: Uint8Array, hasLines: boolean): void {
    if (this.isTerminal) this.text(forTerminal(bytes, hasLines))
    else this.bytes(bytes)
  }

  /** Of our own, with names of strangers in it. */
  line(text: string): void {
    this.foreign(Buffer.from(text), false)
    this.text('\n')
  }

  json(text: string): void {
    this.text(this.isTerminal ? jsonForTerminal(text) : text)
  }

  error(line: string): void {
    // In the order in which they belong, should both go to the same terminal.
    this.flush()
    this.onError(line)
  }

  /** Writes what is collected; standard output takes it at once when it is a file, a pipe or a terminal. */
  flush(): void {
    if (this.length === 0) return
    this.isSilent = false
    const bundle = this.buffer.subarray(0, this.length)
    this.buffer = Buffer.allocUnsafe(BUNDLE_BYTES)
    this.length = 0
    process.stdout.write(bundle)
  }

  private bytes(bytes: Uint8Array): void {
    if (bytes.length > BUNDLE_BYTES) {
      this.flush()
      process.stdout.write(bytes)
      return
    }
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  private reserve(size: number): void {
    if (this.length + size > BUNDLE_BYTES) this.flush()
    if (this.isScheduled) return
    this.isScheduled = true
    process.nextTick(() => {
      this.isScheduled = false
      this.flush()
    })
  }
}
