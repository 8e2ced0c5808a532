/** MQTT over WebSocket in Node, by the package `ws` (MQTT 5.0, 6). */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { Wire, WireEvents } from './ports.ts'

const HIGH_WATER_BYTES = 256 * 1024
const LINGER_MS = 2_000
const SUBPROTOCOLS = { 3: 'mqttv3.1', 4: 'mqtt', 5: 'mqtt' } as const

export interface WebSocketWay {
  readonly url: string
  readonly version: 3 | 4 | 5
  /** Headers of the upgrade request: for proxies and gateways that ask for some. */
  readonly headers: Readonly<Record<string, string>>
  /** A connection that stands, or is being made, TLS included. */
  readonly socket: Socket
}

export function openWebSocket(way: WebSocketWay, events: WireEvents): Wire {
  const { socket } = way
  const subprotocol = SUBPROTOCOLS[way.version]
  const websocket = new WebSocket(way.url, subprotocol, {
    createConnection: () => socket,
    headers: { ...way.headers },
    // What MQTT carries is small or compressed already, and compression would be our memory.
    perMessageDeflate: false,
    maxPayload: 0,
  })
  websocket.binaryType = 'nodebuffer'
  return new WebSocketWire(websocket, events)
}

class WebSocketWire implements Wire {
  private readonly websocket: WebSocket
  private readonly events: WireEvents
  private isHolding = false
  private error: Error | null = null
  private readonly onWritten = (): void => {
    if (!this.isHolding || this.websocket.bufferedAmount > 0) return
    this.isHolding = false
    this.events.drained()
  }

  constructor(websocket: WebSocket, events: WireEvents) {
    this.websocket = websocket
    this.events = events
    websocket.on('open', () => events.opened())
    websocket.on('error', (error) => (this.error = error))
    websocket.on('close', () => events.closed(this.error))
    websocket.on('message', (data: Uint8Array, isBinary) => {
      if (isBinary) return events.received(data, 0, data.length)
      // [MQTT-6.0.0-1]: a text frame ends the connection.
      this.error = new Error('the server sent text over the WebSocket')
      websocket.terminate()
    })
  }

  write(bytes: Uint8Array, length: number): boolean {
    const { websocket } = this
    if (websocket.readyState !== WebSocket.OPEN) return true
    // Masking makes a copy, so the array is free at once; held is only what keeps us from writing too much.
    websocket.send(bytes.subarray(0, length), { binary: true }, this.onWritten)
    this.isHolding = websocket.bufferedAmount > HIGH_WATER_BYTES
    return !this.isHolding
  }

  pause(): void {
    this.websocket.pause()
  }

  resume(): void {
    this.websocket.resume()
  }

  end(): void {
    const { websocket } = this
    if (websocket.readyState === WebSocket.CONNECTING) return websocket.terminate()
    websocket.resume()
    websocket.close(1000)
    const timer = setTimeout(() => websocket.terminate(), LINGER_MS)
    timer.unref()
    websocket.once('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.websocket.terminate()
  }
}
