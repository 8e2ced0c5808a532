/**
 * The client library's socket, except that
 * - an error of it is nobody's exception: when both sides end at once the library has taken its listeners off before the error comes,
 *   and an error without a listener ends the process;
 * - a server that is named by its address is to show a certificate for that: the library asks for one of `localhost`;
 * - what is sent within a turn leaves in one write: a node asks much, and each question alone costs more than its answer.
 */
import type { Socket } from 'node:net'
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js'

class SturdyTransport extends NodeTransport {
  private isCorked = false
  private host = ''

  override send(frame: Uint8Array): void {
    if (!this.isCorked) this.cork()
    super.send(frame)
  }

  private cork(): void {
    // There is none any more when the connection ends.
    const socket = this.socket as Socket | undefined
    if (socket === undefined) return
    this.isCorked = true
    socket.cork()
    setImmediate(() => {
      this.isCorked = false
      socket.uncork()
    })
  }

  override async dial(at: Parameters<NodeTransport['dial']>[0]): Promise<Socket> {
    this.host = at.hostname
    return heardOut(await super.dial(at))
  }

  override async startTLS() {
    return heardOut(await super.startTLS())
  }

  /** What goes into the options of TLS; a name, where there is one, comes before the address. */
  override async loadClientCerts() {
    return { ...(await super.loadClientCerts()), host: this.host }
  }
}

/** Whoever listens to it: there is always one more, who does not mind. */
function heardOut<S extends Socket>(socket: S): S {
  const listen = (): unknown => socket.on('error', () => {})
  const removeAll = socket.removeAllListeners.bind(socket)
  // An `undefined` that is handed on would be the name of an event.
  socket.removeAllListeners = (...events) => {
    removeAll(...events)
    listen()
    return socket
  }
  listen()
  return socket
}

/** For the library, instead of its own. */
export const transports = { factory: () => new SturdyTransport(), dnsResolveFn: nodeResolveHost }
