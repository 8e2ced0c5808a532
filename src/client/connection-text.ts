/** Why a connection ended, in words: OpenSSL's own are `808C90D0E17F0000:error:0A00045C:SSL routines:…`. */
import { opensslCode } from '../base/openssl-code.ts'

/** By the code that Node makes of OpenSSL's reason; an alert is the server's word about us. */
const TEXTS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS on that port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not speak TLS on that port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server demands a certificate of the client',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server refuses the TLS handshake: it demands a certificate of the client, or no cipher or key is common to both sides',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not trust the client's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server does not take the client's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    "the server says that the client's certificate has expired",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED:
    "the server says that the client's certificate is revoked",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server does not speak this version of TLS',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'the server does not speak the protocol asked for (ALPN)',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY:
    'the server does not know the identity of the shared key',
  ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC: 'the server has another key',
  ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER:
    'the server has another key, or finds our TLS handshake wrong',
}

export function connectionText(error: Error): string {
  const { code = '', reason, message } = error as Error & { code?: string; reason?: string }
  const isOpensslsOwn = code.startsWith('ERR_SSL_') && reason !== undefined
  return TEXTS[opensslCode(code)] ?? (isOpensslsOwn ? `TLS: ${reason}` : message)
}
