/** What a program says about TLS. Without Node's own types: whoever has none can still read `node.d.ts`. */
export interface TlsOptions {
  /** PEM of the authorities to trust instead of Node's own. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** PEM of the client's certificate and key. */
  cert?: string | Uint8Array
  key?: string | Uint8Array
  passphrase?: string
  /** The name the server's certificate must have. Absent: the host. */
  serverName?: string
  /** false: any server is believed, and anyone between can read and change everything. Absent: true. */
  verify?: boolean
  /** false: the certificate must be good, but may be of another name. Absent: true. */
  verifyName?: boolean
  alpn?: readonly string[]
  /** OpenSSL's cipher list. */
  ciphers?: string
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** A shared key, instead of certificates. */
  psk?: { identity: string; key: Uint8Array }
  /** Gets the lines of an NSS key log: whoever reads them can decrypt. */
  onKeyLog?: (line: Uint8Array) => void
}
