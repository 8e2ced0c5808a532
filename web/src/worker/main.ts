/** The worker's entry: commands in, snapshots and answers out. */
import { whenLoaded } from '../decode/structured.ts'
import type { Command, DetailAnswer, KeptAt, Question, WorkerEvent } from '../protocol/protocol.ts'
import { ANSWERS } from './answers.ts'
import { openLink } from './mqtt.ts'
import { Keeper } from './keeper.ts'
import { Load } from './load.ts'
import { Session, type Part } from './session.ts'
import { Snapshots } from './snapshots.ts'

const port = globalThis as unknown as {
  postMessage(event: WorkerEvent, handedOver?: Transferable[]): void
  addEventListener(name: 'message', listener: (event: MessageEvent<Command>) => void): void
}

let session: Session | null = null
let snapshots: Snapshots | null = null

function start(keepBytes: number): Session {
  const made = new Session(openLink, keepBytes)
  const pictures = new Snapshots(made, (snapshot) => port.postMessage(snapshot))
  const load = new Load(made.capture)
  let ticks = 0
  // Messages only mark what they changed; whether that is shown is asked at the pace of the pictures.
  setInterval(() => {
    load.tick()
    pictures.poke()
    if (++ticks % 20 !== 0) return
    void made.keeper?.tick()
    made.listen()
    const counts = made.profile.subscriptions.map(
      ({ id }) => [id, made.capture.messagesOf(id)] as const,
    )
    made.rates.tick(made.capture.received, made.capture.sent, counts)
    made.dirty.add('stats').add('subscriptions')
    if (made.treeRequest?.held !== true) made.tree.freshen()
    made.view.freshen()
    if (made.tree.isBehind) made.dirty.add('tree')
    if (made.view.isBehind) made.dirty.add('view')
  }, 50)
  whenLoaded(() => {
    made.capture.replot()
    made.view.relist()
    made.markAll()
  })
  session = made
  snapshots = pictures
  return made
}

/** What was kept is back: from then on one may connect. */
let restored: Promise<void> = Promise.resolve()
/** What a person wants by then: to have pressed "disconnect" meanwhile counts. */
let isWanted = false

async function restore(at: Session, kept: KeptAt): Promise<void> {
  at.keeper = await Keeper.start(at.capture, kept)
  at.markAll()
  snapshots?.poke()
}

type Act<K extends Command['kind']> = (
  session: Session,
  command: Extract<Command, { kind: K }>,
) => Part[]

/** What each command does, and which parts of the picture it changes. */
const ACTS: { [K in Exclude<Command['kind'], 'configure' | 'seen' | 'ask'>]: Act<K> } = {
  connect: (at) => {
    isWanted = true
    void restored.then(() => {
      if (!isWanted) return
      at.connect()
      snapshots?.poke(true)
    })
    return ['status']
  },
  look: (at, { isSeen }) => {
    at.isSeen = isSeen
    at.listen()
    return ['status']
  },
  disconnect: (at) => {
    isWanted = false
    at.disconnect()
    return ['status']
  },
  view: (at, { view }) => {
    at.view.show(view)
    return ['view']
  },
  tree: (at, { tree }) => {
    at.treeRequest = tree
    if (tree !== null) at.tree.show(tree.sort, tree.filter)
    return ['tree']
  },
  expand: (at, { path, expanded }) => {
    at.tree.setExpanded(path, expanded)
    return ['tree']
  },
  expandAll: (at, { expanded }) => {
    at.tree.setAllExpanded(expanded)
    return ['tree']
  },
  watch: (at, { topic }) => {
    at.watched = topic
    return ['watched']
  },
  chart: (at, { series }) => {
    at.capture.setSeries(series)
    return ['chart']
  },
  forget: (at, { seq }) => {
    at.forget(seq)
    return ['view']
  },
  clear: (at) => {
    at.clear()
    return ['view', 'tree']
  },
}

/** Handed over and not copied, for it may be large: the page's thread has no work with it. */
function payloadOf(given: DetailAnswer | null): Transferable[] {
  const buffer = given?.detail.payload.buffer
  return buffer instanceof ArrayBuffer ? [buffer] : []
}

async function answer(question: Question): Promise<void> {
  const { id, what } = question
  try {
    if (session === null) throw new Error('not configured')
    const respond = ANSWERS[what] as (desk: unknown, asked: unknown) => unknown
    const value = await respond({ session, openLink }, question.with)
    const handedOver = what === 'detail' ? payloadOf(value as DetailAnswer | null) : []
    port.postMessage({ kind: 'answer', id, value, problem: null }, handedOver)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    port.postMessage({ kind: 'answer', id, value: null, problem })
  }
  snapshots?.poke()
}

port.addEventListener('message', ({ data: command }) => {
  if (command.kind === 'configure') {
    const isFirst = session === null
    const at = session ?? start(command.keepBytes)
    at.configure(command.profile, command.schemas)
    if (isFirst && command.kept !== null) restored = restore(at, command.kept)
    snapshots?.poke(true)
    return
  }
  if (command.kind === 'ask') {
    void answer(command)
    return
  }
  if (command.kind === 'seen') {
    snapshots?.seen()
    return
  }
  if (session === null) return
  const act = ACTS[command.kind] as (session: Session, command: Command) => Part[]
  for (const part of act(session, command)) session.dirty.add(part)
  snapshots?.poke(true)
})
