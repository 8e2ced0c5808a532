/**
 * Clients that share the messages of all others and leave: everything they hold acknowledged and the session ended in one
 * write, or left behind and dropped by a clean start. Nobody else may lose anything by it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PacketType, type Qos } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

const COUNT = 3
const STAY_MS = 150

export interface LeaverSettings {
  readonly port: number
  readonly qos: Qos
  readonly random: () => number
  /** Nobody comes any more. */
  isCalm(): boolean
}

export function startLeavers(settings: LeaverSettings): void {
  for (let n = 0; n < COUNT; n++) void comeAndLeave(`leaver ${n}`, settings)
}

async function comeAndLeave(clientId: string, settings: LeaverSettings): Promise<void> {
  const { port, random, isCalm } = settings
  while (!isCalm()) {
    let client: RawClient | null = null
    try {
      client = await RawClient.open(port, 5)
      await visit(client, clientId, settings)
    } catch {
      // The broker was killed meanwhile.
    }
    client?.destroy()
    await sleep(random() * STAY_MS)
  }
}

async function visit(
  client: RawClient,
  clientId: string,
  { qos, random }: LeaverSettings,
): Promise<void> {
  const properties = { sessionExpirySeconds: 3600 }
  client.send(
    make.connect(5, { clientId, cleanStart: random() < 0.3, properties }),
    make.subscribe(1, [{ filter: 't/#', qos }]),
  )
  await sleep(random() * STAY_MS)
  if (random() < 0.7) await client.unsubscribe('t/#')
  const acks = client.inbox.flatMap((packet) =>
    packet.type === PacketType.publish && packet.qos > 0
      ? [make.ack(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId)]
      : [],
  )
  const isGoodbye = random() < 0.7
  const goodbye = isGoodbye ? [make.disconnect(0, { sessionExpirySeconds: 0 })] : []
  client.send(...acks, ...goodbye)
  if (isGoodbye) await client.end()
}
