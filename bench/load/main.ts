/**
 * The load client: `main.js MODE --port N [--pid N] ...` prints one line of JSON. It speaks to
 * 127.0.0.1 only.
 */
import { parseArgs } from 'node:util'
import { runBacklog } from './backlog.ts'
import { runConnections } from './connections.ts'
import { runFlow, type FlowOptions } from './flow.ts'
import { runHandshakes } from './handshakes.ts'
import { runQueue } from './queue.ts'
import { runResume } from './resume.ts'
import { runRetain } from './retain.ts'
import { runSubscriptions } from './subscriptions.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '1883' },
    'publish-port': { type: 'string' },
    pid: { type: 'string', default: '0' },
    tls: { type: 'boolean', default: false },
    v5: { type: 'boolean', default: false },
    shape: { type: 'string', default: 'pair' },
    publishers: { type: 'string', default: '1' },
    subscribers: { type: 'string', default: '1' },
    qos: { type: 'string', default: '0' },
    payload: { type: 'string', default: '64' },
    window: { type: 'string', default: '200' },
    pace: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '5' },
    count: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '100' },
    concurrent: { type: 'string', default: '200' },
    hold: { type: 'string', default: '2' },
    durable: { type: 'string', default: '0' },
    sessions: { type: 'string', default: '1000' },
    messages: { type: 'string', default: '10' },
    'expires-at': { type: 'string' },
  },
})

const NUMBERS = {
  port: Number(values.port),
  publishPort: Number(values['publish-port'] ?? values.port),
  brokerPid: Number(values.pid),
  qos: Number(values.qos),
  payloadBytes: Number(values.payload),
  seconds: Number(values.seconds),
  count: Number(values.count),
  connections: Number(values.connections),
  concurrent: Number(values.concurrent),
  holdSeconds: Number(values.hold),
  publishers: Number(values.publishers),
  subscribers: Number(values.subscribers),
  window: Number(values.window),
  pace: Number(values.pace),
  durable: values.durable === '1',
  sessions: Number(values.sessions),
  messages: Number(values.messages),
}
const COMMON = { ...NUMBERS, tls: values.tls, version: values.v5 ? (5 as const) : (4 as const) }

const MODES: Readonly<Record<string, () => Promise<object>>> = {
  handshakes: () => runHandshakes(COMMON),
  flow: () => runFlow({ ...COMMON, shape: values.shape as FlowOptions['shape'] }),
  connections: () => runConnections(COMMON),
  retain: () => runRetain(COMMON),
  subscriptions: () => runSubscriptions(COMMON),
  queue: () => runQueue(COMMON),
  backlog: () => runBacklog(COMMON),
  resume: () => {
    const at = values['expires-at']
    return runResume({ ...COMMON, expiresAtMs: at === undefined ? null : Number(at) })
  },
}

const mode = positionals[0] ?? ''
const run = MODES[mode]
if (run === undefined) {
  process.stderr.write(`usage: load ${Object.keys(MODES).join('|')} --port PORT ...\n`)
  process.exit(2)
}
try {
  process.stdout.write(`${JSON.stringify({ mode, ...(await run()) })}\n`)
  process.exit(0)
} catch (error) {
  process.stderr.write(`load: ${mode}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(3)
}
