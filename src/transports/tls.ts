/**
 * TLS between accept and a link. Handshakes cost much more than what comes after them, so only so many run at
 * a time; the others wait, unread.
 *
 *     arrive ─▶ waiting ─▶ active ── secure ──▶ the link
 *                 ▲          └── failed, or its time is up ──▶ closed
 *                 └ until there is room; a handshake that stands still makes room for it
 */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls'
import { Fifo } from '../base/fifo.ts'
import { LogType, type Log } from '../base/log.ts'
import { opensslCode } from '../base/openssl-code.ts'
import type { TlsFacts } from '../ports/ports.ts'
import { certificateProblem, factsOf, userName, verdictOf } from './peer-certificate.ts'
import { serverOptionsOf, type TlsSettings } from './tls-settings.ts'

/** Called with the encrypted connection; not called when the handshake fails. */
export type Secured = (socket: TLSSocket, facts: TlsFacts) => void

export interface TlsEntrance {
  /** Does the handshake on `raw`, which has `remote` at its other end, and nobody reading from it. */
  secure(raw: Socket, remote: string, secured: Secured): void
}

interface Handshake {
  readonly remote: string
  readonly secured: Secured
}

const ACTIVE_MAX = 500
/** ms after which a handshake makes room for others. */
const IDLE_MS_MIN = 2000

/** How many handshakes there are at a time, over all listeners. */
export class HandshakeGate {
  /** In the order they began; when, in ms. */
  private readonly active = new Map<Socket, number>()
  private readonly waiting = new Fifo<() => void>()

  /** Calls `begin` when there is room, unless `raw` is gone by then. */
  enter(raw: Socket, begin: () => void): void {
    this.waiting.push(() => {
      if (raw.destroyed) return
      this.active.set(raw, performance.now())
      begin()
    })
    this.pump()
  }

  leave(raw: Socket): void {
    if (this.active.delete(raw)) this.pump()
  }

  private pump(): void {
    while (this.waiting.length > 0 && (this.active.size < ACTIVE_MAX || this.makeRoom()))
      this.waiting.shift()?.()
  }

  private makeRoom(): boolean {
    for (const [raw, beganMs] of this.active) {
      if (performance.now() - beganMs < IDLE_MS_MIN) return false
      this.active.delete(raw)
      raw.destroy()
      return true
    }
    return false
  }
}

/** What lets another thread go on with a TLS session that began here. */
export interface SharedSessions {
  /** 48 bytes that seal what a client brings back. */
  readonly keys: Uint8Array
  /** The listener: a session of another one is none here. */
  readonly of: string
}

const CONTEXT_BYTES = 32

/** Those of a listener as it is: with another certificate, say, clients are to see that. */
function sessionOptions(
  { keys, of }: SharedSessions,
  { certificate, ciphers, ciphersTls13, minVersion }: TlsSettings,
): Pick<TlsOptions, 'ticketKeys' | 'sessionIdContext'> {
  const parts = [of, certificate, ciphers, ciphersTls13, minVersion]
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return { ticketKeys: Buffer.from(keys), sessionIdContext: hash.slice(0, CONTEXT_BYTES) }
}

/**
 * @param shared null: no other thread has this listener.
 * @param onKeyLog Gets the lines of an NSS key log: whoever reads them reads the traffic. null: none are made.
 * @throws TlsSettingsError
 */
export function createTlsEntrance(
  settings: TlsSettings,
  gate: HandshakeGate,
  log: Log,
  onKeyLog: ((line: Uint8Array) => void) | null,
  shared: SharedSessions | null = null,
): TlsEntrance {
  const handshakes = new WeakMap<Socket, Handshake>()
  const pskIdentities = new WeakMap<TLSSocket, string>()
  const { psk } = settings
  const server: Server = createServer({
    ...serverOptionsOf(settings),
    ...(shared === null ? {} : sessionOptions(shared, settings)),
    pskCallback:
      psk === null
        ? undefined
        : (socket, identity) => {
            const key = userName(identity) === null ? null : psk.lookup(identity)
            if (key !== null) pskIdentities.set(socket, identity)
            return key
          },
  })
  const find = (socket: TLSSocket): Handshake | undefined => handshakes.get(rawOf(socket))
  server.on('secureConnection', (socket) => {
    const handshake = find(socket)
    const problem = certificateProblem(socket, settings)
    if (handshake === undefined || problem !== null) {
      const text = problem === null ? 'it is gone' : certificateText(problem)
      noteFailure(log, handshake?.remote ?? 'a client', text)
      socket.on('error', ignore)
      socket.destroy()
      return
    }
    gate.leave(rawOf(socket))
    handshake.secured(socket, factsOf(socket, pskIdentities.get(socket) ?? null))
  })
  server.on('tlsClientError', (error, socket) => {
    noteFailure(log, find(socket)?.remote ?? 'a client', failureText(error, socket))
    socket.destroy()
  })
  if (onKeyLog !== null) server.on('keylog', onKeyLog)
  return {
    secure(raw, remote, secured) {
      handshakes.set(raw, { remote, secured })
      raw.once('close', () => gate.leave(raw))
      gate.enter(raw, () => server.emit('connection', raw))
    },
  }
}

/** The socket that a TLS socket was made on: the one thing that both of its ends know. */
function rawOf(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket
}

function noteFailure(log: Log, remote: string, text: string): void {
  if (log.mask & LogType.notice)
    log.write(LogType.notice, `TLS handshake with ${remote} failed: ${text}.`, {
      event: 'handshake_failed',
      remote,
      reason: text,
    })
}

const TEXTS: Readonly<Record<string, string>> = {
  ECONNRESET: 'the client closed the connection',
  EPIPE: 'the client closed the connection',
  ERR_SSL_HTTP_REQUEST: 'it speaks HTTP without TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no TLS version that is let in (tls_version)',
  ERR_SSL_NO_SHARED_CIPHER: 'no cipher is common to both sides (ciphers)',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it shows no certificate (require_certificate)',
  ERR_SSL_PSK_IDENTITY_NOT_FOUND: 'the identity of its key is not known (psk_file)',
  ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: 'it has another key, or sends what is no TLS',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the certificate of this listener',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not trust the certificate of this listener',
}

const CERTIFICATE_TEXTS: Readonly<Record<string, string>> = {
  CERT_REVOKED: 'its certificate, or that of its authority, is revoked',
  CERT_HAS_EXPIRED: 'its certificate, or that of its authority, has expired',
  CERT_NOT_YET_VALID: 'its certificate, or that of its authority, is not valid yet',
  UNABLE_TO_GET_CRL: 'crlfile has no list of the authority that issued its certificate',
  CRL_HAS_EXPIRED: 'a revocation list in crlfile is out of date',
  CRL_NOT_YET_VALID: 'a revocation list in crlfile is not valid yet',
}

/** @param problem One of OpenSSL's codes, or words already. */
function certificateText(problem: string): string {
  if (!/^[A-Z_0-9]+$/.test(problem)) return problem
  const text = CERTIFICATE_TEXTS[problem]
  return text === undefined ? `its certificate is not good: ${problem}` : `${text} (${problem})`
}

function failureText(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  const verdict = verdictOf(socket)
  if (verdict !== '') return certificateText(verdict)
  const { code = '', message, reason } = error as NodeJS.ErrnoException & { reason?: string }
  return TEXTS[opensslCode(code)] ?? reason ?? message.trim()
}

function ignore(): void {}
