/** `1 message`, `2 messages`. */
export function counted(count: string, what: string): string {
  return `${count} ${what}${plural(count)}`
}

/** What a noun ends with that `count` stands before. */
export function plural(count: string | number): string {
  return String(count) === '1' ? '' : 's'
}
