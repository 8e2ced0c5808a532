/** The connection to NATS ends at both sides at once: nothing of that may end the broker. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { testMsMax } from '../support/patience.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { plainWire } from './nodes.ts'

let nats: NatsServers

interface Library {
  readonly protocol: { readonly transport: { readonly socket: Socket; disconnect(): void } }
}

/** Passes bytes on, and ends when it is told to. */
async function startRelay(port: number): Promise<{ url: string; end(): void; close(): void }> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far)
    far.pipe(near)
    for (const socket of [near, far]) socket.on('error', () => socket.destroy())
    sockets.push(near, far)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    end: () => sockets[0].end(),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

if (skipNats !== false) test('the end of a connection to NATS', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
  })
  after(() => nats.stop())

  test(
    'a server that ends its side while ours is closed is no exception that nobody catches',
    { timeout: testMsMax },
    async (context) => {
      const relay = await startRelay(nats.servers[0].port)
      context.after(() => relay.close())
      const wire = await plainWire([relay.url])
      context.after(() => wire.cut())
      // Of the library: there is no other way to hit the moment.
      const { transport } = (wire.nc as unknown as Library).protocol
      const { socket } = transport
      const closed = new Promise<void>((resolve) => {
        const end = socket.end.bind(socket)
        socket.end = () => {
          end()
          // What is sent then, and a connection that is given up then.
          wire.send('x', new Uint8Array(1))
          transport.disconnect()
          void wire.cut().then(resolve)
          return socket
        }
      })
      relay.end()
      await closed
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(wire.isClosed)
    },
  )
}
