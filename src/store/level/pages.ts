/** Memory for a look at large files. */

/** The types of Node leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer }
}

/** What WebAssembly counts memory in. */
const PAGE_BYTES = 65_536

/**
 * Memory that the system has again, all of it, when nobody refers to it any more. malloc does not do that: the first large array
 * that it frees tells it to keep what comes later, which were 26 MB at the start of a large store.
 */
export function pagesFor(bytes: number): Uint8Array {
  try {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) })
    return new Uint8Array(memory.buffer)
  } catch {
    // More than 4 GiB, or no room for its addresses.
    return Buffer.allocUnsafeSlow(bytes)
  }
}
