/** The two libraries under one shape, each used as its documentation says. */
import { connectAsync } from 'mqtt'
import { connect } from '../../src/client/node.ts'

/**
 * Connections of the receiving process, all to the same topic: so the broker and the feeder have little to do for each message
 * that is received, and what is measured is the library.
 */
export const RECEIVERS = 10

export const LIBRARIES = ['mozzie', 'mqtt.js'] as const
export type LibraryName = (typeof LIBRARIES)[number]

export interface BenchClient {
  subscribe(filter: string, qos: 0 | 1, onMessage: (bytes: number) => void): Promise<void>
  /** Resolves when the message is done with, as the library defines it. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<unknown>
  end(): Promise<void>
}

async function openMozzie(port: number): Promise<BenchClient> {
  const client = await connect(`mqtt://127.0.0.1:${port}`)
  return {
    async subscribe(filter, qos, onMessage) {
      await client.subscribe(filter, {
        qos,
        onMessage: ({ payload }) => onMessage(payload.length),
      })
    },
    publish: (topic, payload, qos) => client.publish(topic, payload, { qos }),
    end: () => client.end({ force: true }),
  }
}

async function openMqttJs(port: number): Promise<BenchClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
  return {
    async subscribe(filter, qos, onMessage) {
      client.on('message', (_topic, payload) => onMessage(payload.length))
      await client.subscribeAsync(filter, { qos })
    },
    publish: (topic, payload, qos) =>
      client.publishAsync(topic, payload as Buffer<ArrayBuffer>, { qos }),
    end: () => client.endAsync(true),
  }
}

export function openLibrary(name: LibraryName, port: number): Promise<BenchClient> {
  return name === 'mozzie' ? openMozzie(port) : openMqttJs(port)
}
