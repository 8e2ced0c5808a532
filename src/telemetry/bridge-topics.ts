/** How bridges are, below `$SYS/broker/bridge/NAME/`: published when a value has changed. Ours. */
import type { BridgeStatus } from '../ports/bridge-status.ts'

const ROWS: readonly (readonly [topic: string, value: (bridge: BridgeStatus) => string])[] = [
  ['state', ({ state }) => state],
  ['address', ({ address }) => address],
  ['queued', ({ queued }) => String(queued)],
  ['messages/sent', ({ sent }) => String(sent)],
  ['messages/received', ({ received }) => String(received)],
  ['messages/dropped', ({ dropped }) => String(dropped)],
  ['last error', ({ lastError }) => lastError ?? ''],
  ['reconnect at', ({ reconnectAtMs }) => secondsOf(reconnectAtMs)],
]

/** Seconds since 1970; empty: there is no such time. */
function secondsOf(ms: number | null): string {
  return ms === null ? '' : String(Math.round(ms / 1000))
}

/** @returns what publishes the changes since its last call. A name may hold no "/", "+" or "#" as a level: they become "_". */
export function createBridgeTopics(
  publish: (topic: string, text: string) => void,
): (bridges: readonly BridgeStatus[]) => void {
  const last = new Map<string, string>()
  return (bridges) => {
    const seen = new Set<string>()
    for (const bridge of bridges) {
      const level = bridge.name.replaceAll(/[/+#]/g, '_')
      for (const [name, value] of ROWS) {
        const topic = `$SYS/broker/bridge/${level}/${name}`
        const text = value(bridge)
        seen.add(topic)
        if (last.get(topic) === text || (text === '' && !last.has(topic))) continue
        last.set(topic, text)
        publish(topic, text)
      }
    }
    for (const topic of last.keys()) {
      if (seen.has(topic)) continue
      last.delete(topic)
      publish(topic, '')
    }
  }
}
