// Bounds on sessions under drawn sequences. Replay one seed with MOZZIE_SIM_SEED=n, run more of them with MOZZIE_SIM_SEEDS=count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/codec/reason-codes.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { Actor, type Stage } from '../broker/stage.ts'
import * as make from '../support/packets.ts'
import { Mesh } from './memory-peers.ts'
import { seeded, SimNode, Timeline } from './world.ts'

const one = process.env['MOZZIE_SIM_SEED']
const count = one === undefined ? Number(process.env['MOZZIE_SIM_SEEDS'] ?? 250) : 1

const STORE_MS = 40
/** What was asked is answered. */
const ANSWER_MS = 400
/** And the sessions of a second have ended. */
const REST_MS = 3000
const IDS = ['c0', 'c1', 'c2', 'c3', 'c4']
const USERS = ['ann', 'bob']

interface Bounds {
  readonly sessionsMax: number
  readonly sessionsPerUserMax: number
  readonly anyUserTakesOver: boolean
}

/** What a client says when it comes. */
interface Coming {
  readonly clientId: string
  readonly username: string
  readonly cleanStart: boolean
  readonly expirySeconds: number
}

/** One core alone, or up to three on the doors of one store. */
class World {
  readonly random: () => number
  readonly bounds: Bounds
  readonly stages: readonly Stage[]
  readonly time = new Timeline()

  constructor(seed: number, nodesMax: number) {
    this.random = seeded(seed)
    const { time, random } = this
    const nodes = this.below(nodesMax) + 1
    this.bounds = {
      sessionsMax: this.below(2) * (1 + this.below(4)),
      sessionsPerUserMax: this.below(2) * (1 + this.below(3)),
      anyUserTakesOver: random() < 0.3,
    }
    const defer = this.wayOfStore()
    const store = createMemoryStore(new MemoryData(), { node: 'all', defer })
    const joint = new JointStore(store, { doors: nodes, hasRoom: () => true })
    const mesh = new Mesh(time, STORE_MS)
    this.stages = Array.from({ length: nodes }, (_, at) => {
      const name = `n${at}`
      const alone = { time, random, name, limits: this.bounds, storeDelayMs: STORE_MS }
      const joined = () => ({ store: joint.door(name, this.wayOfStore()), peers: mesh.join(name) })
      const node = new SimNode({
        ...alone,
        data: new MemoryData(),
        ...(nodes > 1 && joined()),
      })
      return this.stageOf(node)
    })
    this.pass(REST_MS)
  }

  private stageOf(node: SimNode): Stage {
    const stage: Stage = {
      ...{ time: this.time, node, pass: (ms: number) => this.pass(ms) },
      clear: () => assert.fail('not here'),
      open: (version = 5) => new Actor(stage, version),
      connect: () => assert.fail('not here'),
    }
    return stage
  }

  /** In order, each as late as the seed says. */
  private wayOfStore(): (run: () => void) => void {
    let atMs = 0
    return (run) => {
      atMs = Math.max(atMs, this.time.nowMs + this.random() * STORE_MS)
      this.time.at(atMs - this.time.nowMs, run)
    }
  }

  pass(ms: number): void {
    this.time.run(this.time.nowMs + ms)
  }

  below(end: number): number {
    return Math.floor(this.random() * end)
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]
  }

  drawComing(): Coming {
    return {
      clientId: this.pick(IDS),
      username: this.pick(USERS),
      cleanStart: this.random() < 0.6,
      expirySeconds: this.pick([0, 0, 1, 3600]),
    }
  }

  /** Somebody is at a node, perhaps with a will, perhaps with a subscription. */
  come({ expirySeconds, ...who }: Coming, { open }: Stage = this.pick(this.stages)): Actor {
    const actor = open()
    const properties = { willDelaySeconds: this.below(2) }
    const connect = make.connect(5, {
      ...{ ...who, password: 'x', properties: { sessionExpirySeconds: expirySeconds } },
      ...(this.random() < 0.3 && { will: { topic: 'w', payload: 'x', properties } }),
    })
    actor.put(actor.bytesOf(connect))
    const filter = this.pick(['x', '$share/g/x'])
    if (this.random() < 0.5) actor.put(actor.bytesOf(make.subscribe(1, [{ filter, qos: 1 }])))
    return actor
  }
}

function everySeed(what: string, run: (seed: number) => void): void {
  test(what, (t) => {
    const first = one === undefined ? Math.floor(Math.random() * 1e9) : Number(one)
    for (let seed = first; seed < first + count; seed++) run(seed)
    t.diagnostic(`seeds from ${first} to ${first + count - 1}`)
  })
}

for (const nodesMax of [1, 3])
  everySeed(`all at once, nodes: ${nodesMax}: nothing stays of what ended`, (seed) => {
    const world = new World(seed, nodesMax)
    const what = `MOZZIE_SIM_SEED=${seed}`
    const actors: { actor: Actor; username: string }[] = []
    for (let step = 0; step < 60; step++) {
      const coming = world.drawComing()
      const { username } = coming
      const { actor } = actors.length > 0 ? world.pick(actors) : { actor: null }
      if (world.random() < 0.6) actors.push({ actor: world.come(coming), username })
      else if (actor?.isClosed === false) actor.cut()
      if (world.random() < 0.5) world.pass(world.below(30))
      if (world.random() < 0.05) world.pass(2500)
      // What begins at another node in the same moment is not counted yet.
      if (nodesMax === 1) checkBounds(world, actors, what)
    }
    world.pass(REST_MS)
    for (const { actor } of actors) if (!actor.isClosed) actor.cut()
    world.pass(REST_MS)
    discardAll(world, what)
    fill(world, what)
    // But for what is said of those who are refused.
    const errors = world.stages.flatMap(({ node }) => node.errors)
    assert.deepEqual(
      errors.filter((text) => !text.includes('another user')),
      [],
      what,
    )
  })

function checkBounds(
  { stages, bounds }: World,
  actors: readonly { actor: Actor; username: string }[],
  what: string,
): void {
  const { sessionsMax, sessionsPerUserMax } = bounds
  assert.ok(stages[0].node.broker.counts().sessions <= (sessionsMax || Infinity), what)
  for (const user of USERS) {
    const open = actors.filter(({ actor, username }) => username === user && isIn(actor))
    assert.ok(open.length <= (sessionsPerUserMax || Infinity), what)
  }
}

function isIn({ isClosed, inbox }: Actor): boolean {
  return !isClosed && inbox.some((packet) => 'sessionPresent' in packet && packet.code === 0)
}

/** What is kept goes by a clean start, of whoever may. */
function discardAll(world: World, what: string): void {
  for (const clientId of IDS)
    for (const username of USERS) {
      const actor = world.come({ clientId, username, cleanStart: true, expirySeconds: 0 })
      world.pass(ANSWER_MS)
      if (!actor.isClosed) actor.cut()
      world.pass(ANSWER_MS)
    }
  for (const { node } of world.stages) assert.equal(node.broker.counts().sessions, 0, what)
}

/** As many come in as may, at whatever node. */
function fill(world: World, what: string): void {
  const { sessionsMax, sessionsPerUserMax } = world.bounds
  let left = sessionsMax || Infinity
  for (const username of USERS) {
    let theirs = sessionsPerUserMax || Infinity
    for (let at = 0; at < 5; at++) {
      const clientId = `${username}${at}`
      const expirySeconds = world.pick([0, 3600])
      const actor = world.come({ clientId, username, cleanStart: false, expirySeconds })
      world.pass(ANSWER_MS)
      const mayEnter = left > 0 && theirs > 0
      const code = mayEnter ? 0 : Reason.serverBusy
      assert.equal(actor.take('connack')?.code, code, `${what} ${clientId}`)
      if (!mayEnter) continue
      left--
      theirs--
    }
  }
}

/** A session as it has to be. */
interface Kept {
  readonly username: string
  readonly expirySeconds: number
  actor: Actor | null
  endsAtMs: number
}

everySeed('one after the other: who is let in, what it finds, and who stays', (seed) => {
  const world = new World(seed, 3)
  const { time } = world
  const kept = new Map<string, Kept>()
  for (let step = 0; step < 40; step++) {
    if (world.random() < 0.1) world.pass(2500)
    // Not in the moments in which a session ends.
    while ([...kept.values()].some(({ endsAtMs }) => Math.abs(time.nowMs - endsAtMs) < 600))
      world.pass(ANSWER_MS)
    for (const [clientId, { endsAtMs }] of kept) if (time.nowMs > endsAtMs) kept.delete(clientId)
    const coming = world.drawComing()
    const { clientId } = coming
    const known = kept.get(clientId)
    if (world.random() < 0.3 && known?.actor) leave(world, kept, clientId, known)
    else {
      const actor = world.come(coming)
      world.pass(ANSWER_MS)
      const { code = -1, sessionPresent } = actor.take('connack') ?? {}
      const isResumed = code === 0 && !coming.cleanStart && known !== undefined
      const codes = codesFor(world.bounds, kept, coming)
      const what = `MOZZIE_SIM_SEED=${seed} step ${step} ${JSON.stringify(coming)}: ${code}`
      assert.ok(codes.includes(code), what)
      assert.equal(sessionPresent, isResumed && known.expirySeconds > 0, what)
      if (code === 0) kept.set(clientId, { ...coming, actor, endsAtMs: Infinity })
    }
    world.pass(ANSWER_MS)
    for (const { actor } of kept.values())
      assert.notEqual(actor?.isClosed, true, `MOZZIE_SIM_SEED=${seed} step ${step}`)
  }
})

function leave({ time }: World, all: Map<string, Kept>, clientId: string, kept: Kept): void {
  kept.actor?.cut()
  kept.actor = null
  kept.endsAtMs = time.nowMs + kept.expirySeconds * 1000
  if (kept.expirySeconds === 0) all.delete(clientId)
}

/** What CONNACK may say; of two reasons to refuse, any. */
function codesFor(bounds: Bounds, all: ReadonlyMap<string, Kept>, coming: Coming): number[] {
  const { sessionsMax, sessionsPerUserMax, anyUserTakesOver } = bounds
  const { username, cleanStart } = coming
  const known = all.get(coming.clientId)
  const isAnothers = known !== undefined && known.username !== username
  const isDiscarded = cleanStart && known?.actor === null
  const theirs = [...all.values()].filter((each) => each.username === username)
  const isFull = known === undefined && all.size >= (sessionsMax || Infinity)
  const isOneMore = known === undefined || isAnothers
  const isFullFor = isOneMore && theirs.length >= (sessionsPerUserMax || Infinity)
  const refusals: number[] = []
  if (isAnothers && !anyUserTakesOver && !isDiscarded)
    refusals.push(Reason.clientIdentifierNotValid)
  if (isFull || isFullFor) refusals.push(Reason.serverBusy)
  return refusals.length > 0 ? refusals : [0]
}
