/** Messages that go from one thread to another past the first one: nothing comes before what led to it. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { Message } from '../../src/ports/message.ts'
import type { PeersEvents } from '../../src/ports/peers.ts'
import { linkDirectly, passOn, type DirectEnd } from '../../src/threads/direct-links.ts'
import { FrameWriter } from '../../src/threads/frame-runs.ts'
import { Call } from '../../src/threads/ops.ts'
import { RemotePeers, writePublished } from '../../src/threads/peers-wire.ts'
import { sendTo, type Port, type ThreadLink } from '../../src/threads/thread-link.ts'
import { Tickets } from '../../src/threads/tickets.ts'
import { WireReader } from '../../src/threads/wire.ts'
import { textOf } from '../store/told.ts'
import { message } from './peer-node.ts'

/** What was posted to it waits until somebody takes it, or the test lets its listener hear of it. */
class HeldPort implements Port {
  readonly waiting: unknown[] = []
  peer: HeldPort | null = null
  private listen: (value: unknown) => void = () => {}

  postMessage(value: unknown): void {
    this.peer?.waiting.push(value)
  }

  on(_event: 'message', listen: (value: unknown) => void): void {
    this.listen = listen
  }

  receive(): { readonly message: unknown } | undefined {
    return this.waiting.length > 0 ? { message: this.waiting.shift() } : undefined
  }

  wake(): void {
    if (this.waiting.length > 0) this.listen(this.waiting.shift())
  }
}

function pair(): [HeldPort, HeldPort] {
  const [one, other] = [new HeldPort(), new HeldPort()]
  one.peer = other
  other.peer = one
  return [one, other]
}

/** Threads 1 to 3 of four, and the first one's ends of what joins it to them. */
function stage() {
  const tickets = new Tickets(new BigInt64Array(1))
  const ends = new Map<string, HeldPort>()
  const firsts = new Map<number, HeldPort>()
  for (const [one, other] of [
    [1, 2],
    [1, 3],
    [2, 3],
  ]) {
    const [here, there] = pair()
    ends.set(`${one} ${other}`, here)
    ends.set(`${other} ${one}`, there)
  }
  const nodes = [1, 2, 3].map((own) => {
    const [here, there] = pair()
    firsts.set(own, there)
    const got: string[] = []
    const options = {
      tickets,
      receive: (port: Port) => (port as HeldPort).receive(),
      read: (op: number, reader: WireReader) => void peers.told(op, reader),
      other: (value: unknown) => void got.push(String(value)),
    }
    const others = [1, 2, 3].filter((index) => index !== own)
    const direct = others.map((index): DirectEnd => {
      return { index, port: ends.get(`${own} ${index}`) as HeldPort, flow: null }
    })
    const link = linkDirectly(options, { port: here, flow: null }, direct, () => true)
    const peers: RemotePeers = new RemotePeers(link.out, null, link.directly)
    peers.start({
      published: (one) => got.push(textOf(one)),
    } as Partial<PeersEvents> as PeersEvents)
    return { peers, directly: link.directly, got, first: here }
  })
  const links = new Map(
    [...firsts].map(([index, port]) => [index, sendTo(port, { flow: null, tickets })]),
  )
  const from = (sender: number, to: number): HeldPort => ends.get(`${to} ${sender}`) as HeldPort
  /** The first thread reads what `index` told it, as far as it is about passing on. */
  const passAll = (index: number): void => {
    const reader = new WireReader()
    for (const bytes of firsts.get(index)?.waiting.splice(0) ?? []) {
      reader.open(bytes as Uint8Array)
      while (!reader.isAtEnd()) {
        const op = reader.u8()
        if (op === Call.pass) passOn(links, index, reader.number())
        else assert.equal(op, Call.start)
      }
    }
  }
  /** The first thread passes on a message of one that it has chosen for a group. */
  const choose = (one: Message, to: number): void => {
    const { out } = links.get(to) as ThreadLink
    writePublished(out, new FrameWriter(out), one, false, ['g/x'])
  }
  return { one: nodes[0], two: nodes[1], three: nodes[2], firsts, from, passAll, choose }
}

const TO_THREE = 1 << 3

test('a message to another thread waits until the first one has passed on what came before it', async () => {
  const { one, three, from, passAll } = stage()
  one.peers.publish(message('x', 'before'), TO_THREE, [])
  one.directly.behind()
  one.peers.publish(message('x', 'behind'), TO_THREE, [])
  await turn()
  from(1, 3).wake()
  assert.deepEqual(three.got, ['before'])
  passAll(1)
  await turn()
  three.first.wake()
  assert.deepEqual(three.got, ['before', 'behind'])
})

test('a message that left later is handled later, whichever port is heard first', async () => {
  const { one, two, three, from } = stage()
  one.peers.publish(message('x', 'first'), TO_THREE, [])
  await turn()
  two.peers.publish(message('x', 'second'), TO_THREE, [])
  await turn()
  from(2, 3).wake()
  assert.deepEqual(three.got, ['first', 'second'])
})

test('what left behind a message that waits does not overtake it', async () => {
  const { one, two, three, from, passAll } = stage()
  one.directly.behind()
  one.peers.publish(message('x', 'waits'), TO_THREE, [])
  await turn()
  two.peers.publish(message('x', 'later'), TO_THREE, [])
  await turn()
  from(2, 3).wake()
  assert.deepEqual(three.got, [])
  passAll(1)
  await turn()
  three.first.wake()
  assert.deepEqual(three.got, ['waits', 'later'])
})

test('a message by the first thread does not overtake direct ones of its publisher, whomever they wait behind', async () => {
  const { one, two, three, from, passAll, choose } = stage()
  two.directly.behind()
  two.peers.publish(message('x', 'waits'), TO_THREE, [])
  await turn()
  one.peers.publish(message('x', 'direct'), TO_THREE, [])
  await turn()
  from(1, 3).wake()
  assert.deepEqual(three.got, [])
  choose(message('x', 'for a group'), 3)
  await turn()
  three.first.wake()
  assert.deepEqual(three.got, ['direct', 'for a group'])
  passAll(2)
  await turn()
  three.first.wake()
  assert.deepEqual(three.got, ['direct', 'for a group', 'waits'])
})

test('what the first thread says goes on while messages wait', async () => {
  const { one, three, firsts, from } = stage()
  one.directly.behind()
  one.peers.publish(message('x', 'waits'), TO_THREE, [])
  await turn()
  from(1, 3).wake()
  firsts.get(3)?.postMessage('config')
  three.first.wake()
  assert.deepEqual(three.got, ['config'])
})
