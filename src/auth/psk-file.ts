/** `psk_file`: `identity:hexkey` lines. */
import { AuthFileError, authLines, readAuthFile, trimBlanks } from './auth-file.ts'

export interface PskFile {
  readonly file: string
  readonly keys: ReadonlyMap<string, Uint8Array>
  readonly warnings: readonly string[]
}

/** Shorter keys are guessed; mosquitto takes them too. */
const KEY_BYTES_FEW = 16
const KEY_BYTES_MAX = 512

/** @throws AuthFileError */
export function loadPskFile(file: string): PskFile {
  const { text, warnings } = readAuthFile('psk_file', file, true)
  const parsed = parsePskFile(text, file)
  return { ...parsed, warnings: [...warnings, ...parsed.warnings] }
}

/** Reads the text of a key file. @throws AuthFileError */
export function parsePskFile(text: string, file: string): PskFile {
  const keys = new Map<string, Uint8Array>()
  let short = 0
  for (const [line, content] of authLines({ text })) {
    const colon = content.lastIndexOf(':')
    const identity = trimBlanks(content.slice(0, Math.max(colon, 0)))
    const hex = trimBlanks(content.slice(colon + 1))
    const fail = (message: string): never => {
      throw new AuthFileError(message, file, line)
    }
    if (identity === '') fail('A line of the key file must be IDENTITY:HEXKEY')
    if (hex.length === 0 || hex.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(hex))
      fail(`The key of "${identity}" is not hexadecimal with two digits a byte`)
    if (hex.length > 2 * KEY_BYTES_MAX)
      fail(`The key of "${identity}" has over ${KEY_BYTES_MAX} bytes`)
    if (keys.has(identity)) fail(`The identity "${identity}" is here twice`)
    if (hex.length < 2 * KEY_BYTES_FEW) short++
    keys.set(identity, Buffer.from(hex, 'hex'))
  }
  const warnings: string[] = []
  if (keys.size === 0) warnings.push(`psk_file ${file} has no keys: nobody can connect with it.`)
  if (short > 0)
    warnings.push(
      `psk_file ${file} has ${short} keys of less than ${KEY_BYTES_FEW * 8} bits; "openssl rand -hex 16" makes a good one.`,
    )
  return { file, keys, warnings }
}
