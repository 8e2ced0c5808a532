/** Where pub and rr get their payload: the command line, a file, standard input. */
import { readFileSync } from 'node:fs'
import { FORMAT_NAMES, type Convert } from './payload-format.ts'
import type { MessageSource, Settings } from './settings.ts'

/** The largest payload that MQTT can carry, bytes. */
const PAYLOAD_BYTES_MAX = 268_435_455

/** The payload, or lines for standard error. */
type Loaded =
  | { readonly ok: true; readonly payload: Uint8Array }
  | { readonly ok: false; readonly errors: readonly string[] }

const tooLarge = (what: string) =>
  `Error: ${what} must be less than ${PAYLOAD_BYTES_MAX + 1} bytes.`

/** Reads a payload in whole. Lines (`-l`) have none and come as they are read. */
function loadPayload(source: Exclude<MessageSource, { kind: 'lines' }>): Loaded {
  if (source.kind === 'file') return loadFile(source.path)
  if (source.kind === 'stdin') return loadStandardInput()
  return { ok: true, payload: source.kind === 'text' ? source.payload : new Uint8Array(0) }
}

function loadFile(path: string): Loaded {
  const failed = (...errors: string[]): Loaded => ({
    ok: false,
    errors: [...errors, `Error loading input file "${path}".`],
  })
  let payload: Uint8Array
  try {
    payload = readFileSync(path)
  } catch (error) {
    return failed(`Error: Unable to open file "${path}".`, `${(error as Error).message}.`)
  }
  return payload.length > PAYLOAD_BYTES_MAX ? failed(tooLarge('File')) : { ok: true, payload }
}

function loadStandardInput(): Loaded {
  const failed = (error: string): Loaded => ({
    ok: false,
    errors: [error, 'Error loading input from stdin.'],
  })
  let payload: Uint8Array
  try {
    payload = readFileSync(0)
  } catch (error) {
    return failed(`${(error as Error).message}.`)
  }
  if (payload.length === 0) return failed('Error: Zero length input.')
  return payload.length > PAYLOAD_BYTES_MAX
    ? failed(tooLarge('Message length'))
    : { ok: true, payload }
}

/** Says why a payload is not what `--format` says it is, unless `--quiet`. */
export function convertOrSay(
  settings: Settings,
  convert: Convert,
  payload: Uint8Array,
): Uint8Array | null {
  try {
    return convert(payload)
  } catch (error) {
    const { payloadFormat } = settings
    // CBOR and MessagePack are made of JSON.
    const isBinary = payloadFormat === 'cbor' || payloadFormat === 'msgpack'
    const name = isBinary ? FORMAT_NAMES.json : FORMAT_NAMES[payloadFormat]
    say(settings, [`Error: Message is not valid ${name}.`, `${(error as Error).message}.`])
    return null
  }
}

/** The payload as it is to be sent; null after it said what is wrong. */
export function convertedPayload(
  settings: Settings,
  source: Exclude<MessageSource, { kind: 'lines' }>,
  convert: Convert,
): Uint8Array | null {
  const loaded = loadPayload(source)
  if (loaded.ok) return convertOrSay(settings, convert, loaded.payload)
  say(settings, loaded.errors)
  return null
}

function say({ quiet }: Settings, lines: readonly string[]): void {
  if (!quiet) process.stderr.write(`${lines.join('\n')}\n`)
}
