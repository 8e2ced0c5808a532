/** Where a peer is, without the port: what stays the same when it comes again. `remote` is `address:port`, or a path. */
export function addressOf(remote: string): string {
  return remote.replace(/:\d+$/, '')
}
