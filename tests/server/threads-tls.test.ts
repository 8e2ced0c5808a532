import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { makeCertificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, startMozzie, writeConfig } from './run-mozzie.ts'

const CONNECTIONS = 20
const certificates = await makeCertificates()
after(() => certificates.remove())

/** Connects and stays, so that the next one comes to another thread in the end. */
function visit(options: ConnectionOptions, stay: (end: () => void) => void): TLSSocket {
  const ca = certificates.authority.certificate
  const socket = connect({ host: '127.0.0.1', ca, ...options })
  socket.on('error', () => {})
  stay(() => socket.destroy())
  return socket
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a TLS session goes on in every thread (${version})`, async (context) => {
    const port = await freePort()
    const { certificateFile, keyFile } = certificates.server
    const lines = [
      'thread_count 3',
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      `certfile ${certificateFile}`,
      `keyfile ${keyFile}`,
    ]
    await startMozzie(context, '-c', writeConfig(scratch(context), lines.join('\n')))
    const stay = (end: () => void): void => context.after(end)
    const options = { port, minVersion: version, maxVersion: version }
    const first = visit(options, stay)
    const [session] = (await once(first, 'session')) as [Buffer]
    for (let count = 0; count < CONNECTIONS; count++) {
      const next = visit({ ...options, session }, stay)
      await once(next, 'secureConnect')
      assert.ok(next.isSessionReused(), `connection ${count}`)
    }
  })
