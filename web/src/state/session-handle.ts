/** The page's side of a connection: its worker, and the last picture the worker sent. */
import { DEFAULT_VIEW } from '../protocol/view.ts'
import type { Profile } from '../model/profile.ts'
import type {
  Command,
  JobState,
  KeptAt,
  Pivot,
  Question,
  Questions,
  SeriesSnapshot,
  Snapshot,
  Stats,
  Status,
  SubscriptionState,
  Unread,
  ViewRequest,
  ViewSnapshot,
  WorkerEvent,
} from '../protocol/protocol.ts'
import type { SeriesSpec } from '../protocol/protocol.ts'
import type { Draft, Format } from '../model/message.ts'
import { emptyDraft } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'
import { createStore, type Store } from '../ui/store.ts'

export type ViewMode = 'table' | 'bubbles' | 'latest' | 'pivot' | 'chart'

/** What is open in the detail pane: a message, or whatever is the newest of a topic. */
export type Selection = { readonly seq: number } | { readonly topic: string } | null

export interface SessionState {
  readonly status: Status
  readonly stats: Stats
  readonly subscriptions: readonly SubscriptionState[]
  readonly jobs: readonly JobState[]
  readonly view: ViewSnapshot
  readonly tree: NonNullable<Snapshot['tree']>
  readonly chart: readonly SeriesSnapshot[]
  readonly watchedSeq: number
  /** What the page asks for. */
  readonly mode: ViewMode
  readonly request: ViewRequest
  readonly selection: Selection
  readonly series: readonly SeriesSpec[]
  readonly draft: Draft
  /** The topic in the draft was typed, so choosing another in the tree leaves it alone. */
  readonly topicTyped: boolean
  readonly format: Format | null
  /** All of a large payload is wanted, not only its beginning. */
  readonly whole: boolean
  /** Messages are compared with this one; null: with the one before on the same topic. */
  readonly compareSeq: number | null
  /** Of a file: what could not be read. */
  readonly unread: Unread
  /** Payloads of the file that differ from what was sent. */
  readonly altered: number
  /** Messages received when the connection was last looked at. */
  readonly seenMessages: number
}

const STATS: Stats = {
  received: 0,
  sent: 0,
  receivedBytes: 0,
  kept: 0,
  madeRoom: 0,
  sampledOut: 0,
  keepEvery: 1,
  tooLarge: 0,
  topics: 0,
  topicsForgotten: 0,
  inPerSecond: 0,
  outPerSecond: 0,
  history: [],
}

const INITIAL: SessionState = {
  status: {
    kind: 'offline',
    code: null,
    problem: null,
    wasOnline: false,
    loginRefused: false,
    retryAtMs: null,
    onlineSinceMs: null,
    silentSinceMs: null,
    connack: null,
  },
  stats: STATS,
  subscriptions: [],
  jobs: [],
  view: {
    mode: 'stream',
    first: 0,
    next: 0,
    newer: 0,
    rows: [],
    latest: [],
    queryProblem: null,
    whereProblem: null,
  },
  tree: { total: 0, from: 0, lines: [] },
  chart: [],
  watchedSeq: -1,
  mode: 'table',
  request: DEFAULT_VIEW,
  selection: null,
  series: [],
  draft: emptyDraft(),
  topicTyped: false,
  format: null,
  whole: false,
  compareSeq: null,
  unread: { total: 0, first: [] },
  altered: 0,
  seenMessages: 0,
}

const EMPTY_PIVOT: Pivot = { columns: [], sort: '', descending: false, where: '' }

export interface SessionHandle {
  readonly id: string
  /** The file that its messages are from; null: it is a connection. */
  readonly file: string | null
  readonly store: Store<SessionState>
  send(command: Exclude<Command, Question>): void
  /** Rejects with the worker's words. */
  ask<K extends keyof Questions>(what: K, asked: Questions[K][0]): Promise<Questions[K][1]>
  configure(profile: Profile, schemas: Schema[], keepMiB: number, kept: KeptAt | null): void
  /** Changes what the list shows. */
  show(patch: Partial<ViewRequest>): void
  /** Shows messages in another way. */
  setMode(mode: ViewMode): void
  select(selection: Selection): void
  dispose(): void
}

export function openSession(id: string, file: string | null = null): SessionHandle {
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module' })
  const store = createStore<SessionState>(INITIAL)
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >()
  let lastQuestion = 0
  const post = (command: Command) => worker.postMessage(command)

  worker.addEventListener('message', ({ data }: MessageEvent<WorkerEvent>) => {
    if (data.kind === 'answer') {
      const asker = waiting.get(data.id)
      waiting.delete(data.id)
      if (data.problem === null) asker?.resolve(data.value as never)
      else asker?.reject(new Error(data.problem))
      return
    }
    const { kind: _, ...parts } = data
    store.set(parts)
    requestAnimationFrame(() => post({ kind: 'seen' }))
  })

  return {
    id,
    file,
    store,
    send: post,
    ask: (what, asked) =>
      new Promise((resolve, reject) => {
        const question = { kind: 'ask', id: ++lastQuestion, what, with: asked } as Question
        waiting.set(question.id, { resolve, reject })
        post(question)
      }),
    configure: (profile, schemas, keepMiB, kept) =>
      post({ kind: 'configure', profile, schemas, keepBytes: keepMiB << 20, kept }),
    show(patch) {
      const request = { ...store.get().request, ...patch }
      store.set({ request })
      post({ kind: 'view', view: request })
    },
    setMode(mode) {
      const { request } = store.get()
      const isLatest = mode === 'latest' || mode === 'pivot'
      store.set({ mode })
      this.show({
        mode: isLatest ? 'latest' : 'stream',
        pivot: mode === 'pivot' ? (request.pivot ?? EMPTY_PIVOT) : null,
        from: 0,
        follow: !isLatest,
      })
    },
    select(selection) {
      store.set({ selection, format: null, whole: false, watchedSeq: -1 })
      post({
        kind: 'watch',
        topic: selection !== null && 'topic' in selection ? selection.topic : null,
      })
    },
    dispose: () => worker.terminate(),
  }
}
