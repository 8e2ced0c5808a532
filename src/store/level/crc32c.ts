/** CRC-32C (Castagnoli), which Node does not have, and what LevelDB makes of it. */
const POLYNOMIAL = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let value = 0xffffffff
  for (let at = start; at < end; at++) value = TABLE[(value ^ bytes[at]) & 0xff] ^ (value >>> 8)
  return ~value >>> 0
}

/** LevelDB stores checksums turned and shifted, so that a checksum of checksums is none itself. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
