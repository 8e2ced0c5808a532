/** Commands of dynamic security, given at one broker of a cluster. */
import assert from 'node:assert/strict'
import type { MqttClient } from 'mqtt'
import type { CommandResponse } from '../../../src/auth/dynamic/commands.ts'
import { topic } from '../../auth/dynamic/driver.ts'
import { connectOnce } from '../../support/connect-once.ts'
import { waitMsMax } from '../../support/patience.ts'

interface Address {
  readonly host: string
  readonly port: number
}

let lastCommand = 0

/** As a user whose name is the password. */
export function connectAs({ host, port }: Address, name: string): Promise<MqttClient> {
  const login = { username: name, password: name }
  return connectOnce(`mqtt://${host}:${port}`, { protocolVersion: 5, ...login })
}

/** Who commands; it hears the answers. */
export async function connectAdmin(broker: Address): Promise<MqttClient> {
  const client = await connectAs(broker, 'admin')
  client.on('error', () => {
    // Its broker is killed.
  })
  await client.subscribeAsync(`${topic}/response`)
  return client
}

/** Sends a command; resolves to its answer, or to null when the broker ends before. */
export function sendCommand(
  client: MqttClient,
  wanted: Record<string, unknown>,
): Promise<CommandResponse | null> {
  return new Promise((resolve, reject) => {
    const correlationData = String(++lastCommand)
    const timer = setTimeout(() => reject(new Error('no answer')), waitMsMax)
    const end = (answer: CommandResponse | null): void => {
      clearTimeout(timer)
      client.off('close', lost).off('message', answered)
      resolve(answer)
    }
    const lost = (): void => end(null)
    const answered = (_topic: string, payload: Uint8Array): void => {
      const { responses } = JSON.parse(Buffer.from(payload).toString()) as {
        responses: CommandResponse[]
      }
      // Answers are for everybody who reads the topic, at any node.
      const own = responses.find((response) => response.correlationData === correlationData)
      if (own !== undefined) end(own)
    }
    client.once('close', lost).on('message', answered)
    client.publish(topic, JSON.stringify({ commands: [{ ...wanted, correlationData }] }))
  })
}

/** Connects for one command. */
export async function command(
  broker: Address,
  wanted: Record<string, unknown>,
): Promise<CommandResponse> {
  const client = await connectAdmin(broker)
  const response = await sendCommand(client, wanted)
  await client.endAsync()
  assert.ok(response !== null)
  return response
}
