import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { WebSocketServer, createWebSocketStream } from 'ws'

/** A way to a broker that a test can look at and cut. */
export interface Bridge {
  readonly port: number
  /** Connections so far. */
  readonly count: () => number
  /** Ends the open ones without a word. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** A TCP port that leads to `port`. */
export async function tcpBridge(port: number): Promise<Bridge> {
  const open = new Set<Socket>()
  let count = 0
  const server = createServer((near) => {
    count++
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    forward(near, far)
    forward(far, near)
  })
  await listen(server)
  return bridge(server, () => count, open)
}

/** A WebSocket port that leads to the TCP port `port`. */
export async function webSocketBridge(port: number): Promise<Bridge> {
  const open = new Set<Socket>()
  let count = 0
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  })
  await once(server, 'listening')
  server.on('connection', (websocket, request) => {
    count++
    open.add(request.socket)
    const far = connect(port, '127.0.0.1')
    const near = createWebSocketStream(websocket)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  const { port: own } = server.address() as AddressInfo
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port: own, count: () => count, cut, close: () => (cut(), close()) }
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Without `pipe`, which meddles with errors. */
function forward(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.destroyed && !to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
}

function bridge(server: Server, count: () => number, open: Set<Socket>): Bridge {
  const { port } = server.address() as AddressInfo
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port, count, cut, close: () => (cut(), close()) }
}
