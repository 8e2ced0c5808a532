/** Names in the order people expect: 2 before 10, but hex ids as they are written. */

const NATURAL = new Intl.Collator(undefined, { numeric: true })
const PLAIN = new Intl.Collator()

/** Hex digits with letters and figures among them: 3f0a is no 3 with something behind. */
const HEX_ID = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{4,}$/i

/** The order for these names beside each other. */
export function orderOf(names: Iterable<string>): (a: string, b: string) => number {
  for (const name of names) if (HEX_ID.test(name)) return (a, b) => PLAIN.compare(a, b)
  return (a, b) => NATURAL.compare(a, b)
}
