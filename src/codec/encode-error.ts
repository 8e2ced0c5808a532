/**
 * A value that no packet can carry: text that MQTT does not allow, a number out of its field's range, a property of
 * another packet. The encoder refuses what a decoder would, so that nothing malformed ever leaves.
 */
export class EncodeError extends Error {
  override name = 'EncodeError'
}

/** Throws EncodeError unless `value` is a whole number of the range. */
export function checkNumber(name: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return
  const shown = typeof value === 'string' ? `the text '${value}'` : String(value)
  throw new EncodeError(`${name} is ${shown}, not a whole number from ${min} to ${max}`)
}

/** Throws EncodeError unless `value` is an array of bytes. */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw new EncodeError(`${name} is no Uint8Array`)
}
