import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionText } from '../../src/client/connection-text.ts'

const failure = (code: string, reason: string): Error =>
  Object.assign(new Error(`0A000412:SSL routines:ssl3_read_bytes:${reason}`), { code, reason })

/** OpenSSL 3.0, as in Node 20, and 3.5, as in Node 22. */
const NAMES = ['SSLV3', 'SSL/TLS']

test('an alert of the server is said in the same words whatever OpenSSL calls it', () => {
  const textsOf = (alert: string) =>
    NAMES.map((name) => connectionText(failure(`ERR_SSL_${name}_ALERT_${alert}`, 'alert')))
  assert.deepEqual(textsOf('BAD_RECORD_MAC'), Array(2).fill('the server has another key'))
  for (const alert of ['HANDSHAKE_FAILURE', 'BAD_CERTIFICATE', 'CERTIFICATE_EXPIRED'])
    for (const text of textsOf(alert)) assert.doesNotMatch(text, /^TLS:/)
})

test("what has no words of ours is OpenSSL's reason, without its numbers", () => {
  assert.equal(connectionText(failure('ERR_SSL_SOMETHING', 'something')), 'TLS: something')
})
