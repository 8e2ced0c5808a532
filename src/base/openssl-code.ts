/** Codes that Node makes of OpenSSL's reasons, the same for every version of OpenSSL. */

/** Alerts that SSL 3 had already are named `SSLV3_ALERT_…`, and `SSL/TLS_ALERT_…` by OpenSSL 3.2 and newer (Node 22). */
export function opensslCode(code: string): string {
  return code.replace('_SSL/TLS_ALERT_', '_SSLV3_ALERT_')
}
