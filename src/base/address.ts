/** Where a peer is, without the port: what stays the same when it comes again. `remote` is `address:port`, or a path. */
export function addressOf(remote: string): string {
  const end = remote.lastIndexOf(':')
  if (end < 0 || end === remote.length - 1) return remote
  for (let at = end + 1; at < remote.length; at++) {
    const code = remote.charCodeAt(at)
    if (code < 0x30 || code > 0x39) return remote
  }
  return remote.slice(0, end)
}
