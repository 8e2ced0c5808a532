/** What the page is told, at most once a frame and only when something changed. */
import { pathOf } from '../capture/tree-view.ts'
import type { Node } from '../capture/topics.ts'
import { preview } from '../decode/preview.ts'
import type { Snapshot, Stats, TreeLine } from '../protocol/protocol.ts'
import type { Session } from './session.ts'

/** Messages that only change what is seen wait for each other this long: 20 pictures a second. */
export const FRAME_MS = 50
const CHART_POINTS_MAX = 2000
const CHART_MS = 500

export class Snapshots {
  private readonly session: Session
  private readonly post: (snapshot: Snapshot) => void
  private lastMs = 0
  private chartMs = 0
  /** The page has not yet said that it has seen the last one. */
  private underWay = false
  private timer: ReturnType<typeof setTimeout> | null = null

  constructor(session: Session, post: (snapshot: Snapshot) => void) {
    this.session = session
    this.post = post
  }

  seen(): void {
    this.underWay = false
    this.poke()
  }

  /** Something may have changed. `now`: the page asked for it, so it does not wait its turn. */
  poke(now = false): void {
    if (this.session.dirty.size === 0 || this.underWay || (this.timer !== null && !now)) return
    const waitMs = now ? 0 : this.lastMs + FRAME_MS - performance.now()
    if (waitMs <= 0) {
      this.send()
      return
    }
    this.timer = setTimeout(() => {
      this.timer = null
      if (!this.underWay) this.send()
    }, waitMs)
  }

  private send(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.lastMs = performance.now()
    const snapshot = this.build()
    const chartWaits = this.session.dirty.has('chart') && snapshot.chart === undefined
    this.session.dirty.clear()
    if (chartWaits) this.session.dirty.add('chart')
    this.underWay = true
    this.post(snapshot)
  }

  private build(): Snapshot {
    const session = this.session
    const has = (part: Parameters<typeof session.dirty.has>[0]) => session.dirty.has(part)
    const chartDue = has('chart') && performance.now() - this.chartMs >= CHART_MS
    if (chartDue) this.chartMs = performance.now()
    const tree = session.treeRequest
    return {
      kind: 'snapshot',
      ...(has('status') && { status: session.status }),
      ...(has('stats') && { stats: statsOf(session) }),
      ...(has('subscriptions') && { subscriptions: session.subscriptionStates() }),
      ...(has('jobs') && { jobs: session.jobs.states() }),
      ...(has('view') && { view: session.view.snapshot() }),
      ...(has('tree') && tree !== null && { tree: treeOf(session, tree.from, tree.count) }),
      ...(chartDue && { chart: chartOf(session) }),
      ...(has('watched') &&
        session.watched !== null && { watchedSeq: watchedSeq(session, session.watched) }),
    }
  }
}

function watchedSeq({ capture }: Session, name: string): number {
  return capture.topics.find(name)?.lastSeq ?? -1
}

function statsOf({ capture, rates }: Session): Stats {
  return {
    received: capture.received,
    sent: capture.sent,
    receivedBytes: capture.receivedBytes,
    kept: capture.ring.next - capture.ring.first,
    madeRoom: capture.ring.madeRoom,
    sampledOut: capture.sampledOut,
    keepEvery: capture.keepEvery,
    tooLarge: capture.tooLarge,
    topics: capture.topics.count,
    topicsForgotten: capture.topics.forgotten,
    inPerSecond: rates.inPerSecond,
    outPerSecond: rates.outPerSecond,
    history: [...rates.history],
  }
}

function treeOf(session: Session, wanted: number, count: number): Snapshot['tree'] {
  const lines = session.tree.lines()
  const from = Math.max(0, Math.min(wanted, lines.length - 1))
  return {
    total: lines.length,
    from,
    lines: lines.slice(from, from + count).map((node) => treeLine(session, node)),
  }
}

function treeLine({ capture }: Session, node: Node): TreeLine {
  const { topic } = node
  const payload = topic === null ? null : capture.lastPayload(topic)
  const { format = 'auto', schema = null } = topic === null ? {} : capture.readingOf(topic)
  return {
    path: pathOf(node),
    level: node.level,
    depth: node.depth,
    hasChildren: node.children !== null && node.children.size > 0,
    expanded: node.expanded,
    messages: node.messages,
    topics: node.topics,
    lastMs: node.lastMs,
    value: payload === null ? null : preview(payload, format, topic?.name, schema).slice(0, 120),
    retained: topic?.retained ?? false,
  }
}

function chartOf({ capture }: Session): Snapshot['chart'] {
  return capture.charted.flatMap(({ spec, series: all, left }) =>
    [...all].map(([topic, series]) => ({
      id: spec.id,
      topic,
      unit: series.unit,
      topicsLeft: left.size,
      points: series.points,
      ...series.sample(CHART_POINTS_MAX),
    })),
  )
}
