/** What page and worker say to each other. */
import type { DecodeResult } from '../decode/decode.ts'
import type { Detail, Direction, Draft, Format, Properties, Row } from '../model/message.ts'
import type { Profile } from '../model/profile.ts'
import type { Schema } from '../model/settings.ts'
import type { RowsFound } from '../publish/csv-rows.ts'

export const TREE_SORTS = ['name', 'messages', 'recent'] as const
export type TreeSort = (typeof TREE_SORTS)[number]

/** What is plotted: a number at a JSON path in the messages of a topic (or filter). */
export interface SeriesSpec {
  readonly id: string
  readonly filter: string
  readonly path: string
  readonly axis: 'left' | 'right'
}

export type StatusKind = 'offline' | 'connecting' | 'online' | 'waiting'

export interface Status {
  readonly kind: StatusKind
  /** Why it is not online: a reason code, or words of the transport. */
  readonly code: number | null
  readonly problem: string | null
  /** It was online before; else nothing ever connected. */
  readonly wasOnline: boolean
  /** The broker refused the login: it is not tried again. */
  readonly loginRefused: boolean
  /** Time of the next attempt, milliseconds since 1970. */
  readonly retryAtMs: number | null
  readonly onlineSinceMs: number | null
  /** Since when it answers nothing, though it should; milliseconds since 1970. */
  readonly silentSinceMs: number | null
  /** What the broker said in CONNACK. */
  readonly connack: Connack | null
}

export interface Connack {
  readonly sessionPresent: boolean
  readonly clientId: string
  readonly properties: Properties
}

/** Sorts by the time of the last message. */
export const LAST_SEEN = '@last'

/** The latest values as a table whose columns are values within them. */
export interface Pivot {
  /** JSON paths. */
  readonly columns: readonly string[]
  /** A column, `@last`, or empty: by topic. */
  readonly sort: string
  readonly descending: boolean
  /** `battery < 2.9`; empty: all. */
  readonly where: string
}

/** Which rows the page wants to see. */
export interface ViewRequest {
  readonly mode: 'stream' | 'latest'
  readonly query: string
  readonly direction: Direction | null
  /** Only messages of these subscriptions; empty: of all that are not hidden. */
  readonly subscriptions: readonly string[]
  /** The newest rows, wherever they are. */
  readonly follow: boolean
  readonly from: number
  readonly count: number
  /** Place of the uppermost row on screen: whatever happens to the list, it stays there. */
  readonly top: number
  /** Nothing newer is listed until it is false again. */
  readonly paused: boolean
  readonly latestSort: TreeSort
  /** The pointer rests on the latest values: an order by activity waits. */
  readonly held: boolean
  /** Null: rows with one preview each. */
  readonly pivot: Pivot | null
}

export interface TreeRequest {
  readonly sort: TreeSort
  readonly filter: string
  readonly from: number
  readonly count: number
  /** The pointer rests on it: an order by activity waits. */
  readonly held: boolean
}

export interface TreeLine {
  readonly path: string
  readonly level: string
  readonly depth: number
  readonly hasChildren: boolean
  readonly expanded: boolean
  readonly messages: number
  readonly topics: number
  readonly lastMs: number
  /** The last value of the topic that ends here; null: none does. */
  readonly value: string | null
  readonly retained: boolean
}

export interface LatestRow {
  readonly index: number
  readonly topic: string
  readonly messages: number
  readonly lastMs: number
  readonly size: number
  readonly preview: string
  /** Of a {@link Pivot}, one a column. */
  readonly cells: readonly string[]
  readonly colours: readonly number[]
}

export interface SubscriptionState {
  readonly id: string
  readonly state: 'off' | 'pending' | 'granted' | 'refused'
  /** Granted QoS or the reason of the refusal. */
  readonly code: number
  readonly reason: string
  readonly messages: number
  readonly perSecond: number
}

export interface Stats {
  readonly received: number
  readonly sent: number
  readonly receivedBytes: number
  /** Messages that can be listed. */
  readonly kept: number
  /** Older ones that made room. */
  readonly madeRoom: number
  /** Counted, but not kept, because more came than can be looked at. */
  readonly sampledOut: number
  /** One of this many is kept right now. */
  readonly keepEvery: number
  readonly tooLarge: number
  readonly topics: number
  readonly topicsForgotten: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** Messages received in each of the last 60 seconds, the newest last. */
  readonly history: readonly number[]
}

/** `row` counts from 1. */
export interface RowResult {
  readonly row: number
  /** `sent`: at QoS 0, where nobody answers; `left out`: it could not be sent, and was not. */
  readonly result: 'ok' | 'sent' | 'failed' | 'left out'
  readonly reason: string
}

export interface JobState {
  readonly id: string
  readonly kind: 'repeat' | 'csv' | 'replay' | 'clear'
  /** Null: without end. */
  readonly total: number | null
  readonly sent: number
  readonly confirmed: number
  /** Sent at QoS 0: the broker does not say what became of them. */
  readonly unanswered: number
  readonly failed: number
  readonly problem: string | null
  readonly running: boolean
}

export interface QueryProblems {
  /** The word of the query that cannot be understood. */
  readonly queryProblem: string | null
  /** The same of the condition of the table of values. */
  readonly whereProblem: string | null
}

export interface ViewSnapshot extends QueryProblems {
  readonly mode: 'stream' | 'latest'
  /** Places that exist: `first` the oldest, `next` the one after the newest. */
  readonly first: number
  readonly next: number
  /** Messages of the list that came since it was paused, or since the reader left its end. */
  readonly newer: number
  readonly rows: readonly Row[]
  readonly latest: readonly LatestRow[]
}

/** Of topics that are not drawn no more are counted. */
export const TOPICS_LEFT_MAX = 1000

/** One topic of a {@link SeriesSpec}. */
export interface SeriesSnapshot {
  readonly id: string
  readonly topic: string
  readonly unit: string
  /** Topics that the spec has beyond those that are drawn, up to {@link TOPICS_LEFT_MAX}. */
  readonly topicsLeft: number
  readonly points: number
  readonly times: Float64Array
  readonly values: Float64Array
}

/** At most one of these is on its way to the page. Parts that did not change are missing. */
export interface Snapshot {
  readonly kind: 'snapshot'
  readonly status?: Status
  readonly stats?: Stats
  readonly subscriptions?: readonly SubscriptionState[]
  readonly jobs?: readonly JobState[]
  readonly view?: ViewSnapshot
  readonly tree?: {
    readonly total: number
    readonly from: number
    readonly lines: readonly TreeLine[]
  }
  readonly chart?: readonly SeriesSnapshot[]
  /** Newest message of the topic being watched. */
  readonly watchedSeq?: number
}

export interface Timing {
  everyMs: number
  /** 0: without end. */
  count: number
}

export interface PublishResult {
  readonly ok: boolean
  readonly code: number
  readonly reason: string
  readonly roundTripMs: number
}

export interface RetainedFound {
  readonly topic: string
  readonly size: number
  readonly preview: string
}

export interface DetailAnswer {
  readonly detail: Detail
  readonly decoded: DecodeResult
  /** The same for the previous message, when it was asked for. */
  readonly previousText: string | null
  readonly text: string
}

export type ExportFormat = 'jsonl' | 'json' | 'csv'

/** Lines of a file that hold no message that can be read; the first of them by name. */
export interface Unread {
  readonly total: number
  /** `line` counts from 1; in a list it is the one where the element begins. */
  readonly first: readonly { readonly line: number; readonly reason: string }[]
}

export interface ImportAnswer {
  readonly messages: number
  /** Payloads that the file does not have as they were sent. */
  readonly altered: number
  readonly unread: Unread
}

export interface KeptAt {
  readonly connection: string
  readonly tab: string
  readonly run: string
  /** For all that is kept of the connection. */
  readonly bytesMax: number
}

/** Questions, each with its answer. */
export interface Questions {
  publish: [{ draft: Draft }, PublishResult]
  detail: [
    {
      seq: number | null
      topic: string | null
      format: Format | null
      schema: string
      /** All of a large payload. */
      whole: boolean
    },
    DetailAnswer | null,
  ]
  history: [{ topic: string; count: number }, Row[]]
  startRepeat: [{ draft: Draft; timing: Timing }, null]
  /** What is wrong with rows keeps all from being sent, unless it is known: then those that cannot be sent are left out. */
  startCsv: [
    { draft: Draft; csv: string; perSecond: number; anyway: boolean },
    { rows: number; problem: string | null } & RowsFound,
  ]
  stopJob: [{ id: string }, null]
  /** What became of each message, in order. */
  jobResults: [{ id: string }, readonly RowResult[]]
  /** Sends again what failed. */
  retryJob: [{ id: string }, null]
  findRetained: [
    { filter: string },
    { found: RetainedFound[]; total: number; problem: string | null },
  ]
  clearRetained: [{ topics: string[] }, null]
  export: [{ format: ExportFormat }, Blob]
  import: [{ text: string }, ImportAnswer]
  replay: [{ text: string; speed: number }, ImportAnswer]
  /** Paths of values that the latest messages have. */
  paths: [null, string[]]
  exportPivot: [null, Blob]
  topics: [{ text: string }, string[]]
  neighbour: [{ seq: number; step: number }, { seq: number; place: number } | null]
}

export type Question = {
  [K in keyof Questions]: { kind: 'ask'; id: number; what: K; with: Questions[K][0] }
}[keyof Questions]

export type Command =
  | {
      kind: 'configure'
      profile: Profile
      keepBytes: number
      schemas: Schema[]
      /** Where to keep messages beyond this visit; null: nowhere. */
      kept: KeptAt | null
    }
  | { kind: 'connect' }
  | { kind: 'disconnect' }
  /** Whether the page is on a screen. */
  | { kind: 'look'; isSeen: boolean }
  | { kind: 'view'; view: ViewRequest }
  | { kind: 'tree'; tree: TreeRequest | null }
  | { kind: 'expand'; path: string; expanded: boolean }
  | { kind: 'expandAll'; expanded: boolean }
  | { kind: 'watch'; topic: string | null }
  | { kind: 'chart'; series: SeriesSpec[] }
  | { kind: 'clear' }
  | { kind: 'forget'; seq: number }
  | { kind: 'seen' }
  | Question

export type WorkerEvent =
  Snapshot | { kind: 'answer'; id: number; value: unknown; problem: string | null }
