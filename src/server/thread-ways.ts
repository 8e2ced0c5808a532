/** How a thread beside the first hears the others, and tells them: by the first thread, or by a port for each where there are more. */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { linkDirectly, type DirectEnd } from '../threads/direct-links.ts'
import { Flow } from '../threads/flow.ts'
import type { Receive } from '../threads/inbox.ts'
import type { Directly } from '../threads/peers-wire.ts'
import { linkThread } from '../threads/thread-link.ts'
import type { WireReader, WireWriter } from '../threads/wire.ts'
import { ticketsOf } from './thread-budgets.ts'
import type { ThreadData, ToThread } from './thread-messages.ts'

/** Who reads what comes. */
export interface Hearing {
  event(op: number, reader: WireReader): void
  message(message: ToThread): void
  /** May what was written so far go? */
  isWhole(): boolean
}

export interface ThreadWays {
  /** To the first thread. */
  readonly out: WireWriter
  readonly flow: Flow
  /** null: there are two threads. */
  readonly directly: Directly | null
}

export function openWays(data: ThreadData, port: MessagePort, hearing: Hearing): ThreadWays {
  const { index, shared, direct } = data
  const flow = new Flow(new Int32Array(shared.flow), 2 * index, 2 * index + 1)
  if (direct.length === 0) {
    port.on('message', (message: ToThread | Uint8Array) => {
      if (!(message instanceof Uint8Array)) hearing.message(message)
    })
    const { out } = linkThread(port, hearing.event, hearing.isWhole, flow)
    return { out, flow, directly: null }
  }
  const options = {
    tickets: ticketsOf(shared),
    receive: receiveMessageOnPort as Receive,
    read: hearing.event,
    other: (value: unknown) => hearing.message(value as ToThread),
  }
  return { ...linkDirectly(options, { port, flow }, endsOf(data), hearing.isWhole), flow }
}

function endsOf({ index: own, shared, direct }: ThreadData): DirectEnd[] {
  const counts = new Int32Array(shared.directFlow)
  const place = (from: number, to: number): number => from * shared.threads + to
  return direct.map(({ index, port }) => {
    const flow = new Flow(counts, place(own, index), place(index, own))
    return { index, port, flow }
  })
}
