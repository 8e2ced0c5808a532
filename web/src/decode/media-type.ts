/** What the content type of a message says about its bytes. */

/** What a message says about its payload. */
export interface Said {
  readonly topic: string
  readonly contentType: string
}

export const NOTHING_SAID: Said = { topic: '', contentType: '' }

export interface MediaType {
  /** Lower case, without parameters: `application/json`. */
  readonly essence: string
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>
}

export function mediaTypeOf(contentType: string): MediaType {
  const [essence = '', ...rest] = contentType.split(';')
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=')
    parameters.set(name.trim().toLowerCase(), value.trim().replaceAll('"', ''))
  }
  return { essence: essence.trim().toLowerCase(), parameters }
}

/** Whether the bytes are said to be packed: `application/gzip`, `…+gzip`, `application/zlib`, `…+zlib`, `application/deflate`, `…+deflate`. */
export function saysPacked({ essence }: MediaType): boolean {
  return /(?:^application\/(?:x-)?|\+)(?:gzip|zlib|deflate)$/.test(essence)
}

/** Whether the bytes, once unpacked, are said to be a bitmap of a price tag: `application/x-esl-bitmap`, `…+deflate`. */
export function saysBitmap({ essence }: MediaType): boolean {
  return /^application\/x-esl-bitmap(?:\+|$)/.test(essence)
}
