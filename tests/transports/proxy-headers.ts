/** Headers of PROXY protocol version 2, good ones and others. */
interface Addresses {
  readonly command: number
  readonly family: number
  readonly bytes: Buffer
}

const signature = '0d0a0d0a000d0a515549540a'

function ports(source: number): Buffer {
  return Buffer.from([source >> 8, source & 255, 7, 91])
}

export function tcp4(source: string, port: number): Addresses {
  const address = Buffer.from(source.split('.').map(Number))
  const bytes = Buffer.concat([address, Buffer.from([10, 0, 0, 1]), ports(port)])
  return { command: 0x21, family: 0x11, bytes }
}

/** `source`: 32 hexadecimal digits. */
export function tcp6(source: string, port: number): Addresses {
  const bytes = Buffer.concat([Buffer.from(source, 'hex'), Buffer.alloc(16), ports(port)])
  return { command: 0x21, family: 0x21, bytes }
}

export function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value])
}

/** What the proxy says of its client's TLS. */
export function tlsPart(flags: number, verify: number, name: string | Buffer): Buffer {
  const head = Buffer.from([flags, 0, 0, 0, verify])
  const parts = [tlv(0x21, Buffer.from('TLSv1.3')), tlv(0x22, Buffer.from(name as string))]
  return tlv(0x20, Buffer.concat([head, ...parts]))
}

export function binaryHeader(addresses: Addresses, ...tlvs: Buffer[]): Buffer {
  const body = Buffer.concat([addresses.bytes, ...tlvs])
  return Buffer.concat([
    Buffer.from(signature, 'hex'),
    Buffer.from([addresses.command, addresses.family, body.length >> 8, body.length & 255]),
    body,
  ])
}
