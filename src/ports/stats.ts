/** Counters since the start; `$SYS`, metrics and the tests read them. Plain numbers: one `+=` each. */
export class Stats {
  messagesReceived = 0
  messagesSent = 0
  bytesReceived = 0
  bytesSent = 0
  publishReceived = 0
  publishSent = 0
  publishDropped = 0
  /** Messages of clients here that went to other threads or nodes, each once, however many of those had it. */
  publishCrossed = 0
  publishBytesReceived = 0
  publishBytesSent = 0
  /** Sockets accepted, and CONNECTs answered with success. */
  sockets = 0
  connections = 0
  /** Sessions ended by their expiry. */
  expired = 0
  sessionsMax = 0
  subscriptions = 0
  sharedSubscriptions = 0
  /** What `publishDropped` is made of, and `denied`, which is no part of it: the rules did what they are for. */
  readonly drops = {
    /** The receiver has a subscription that matches, and may not read the topic. */
    denied: 0,
    /** The receiver's queue has no room. */
    queueFull: 0,
    /** QoS 0, and the receiver does not read what it was sent before. */
    slowClient: 0,
    /** QoS 0 or to a clean session, and the thread that it is for is too far behind. */
    slowThread: 0,
    /** Larger than the receiver's Maximum Packet Size. */
    overClientMaximum: 0,
    /** Its message expiry passed while it waited. */
    expired: 0,
    /** The receiver lost the right to read the topic while it waited. */
    notAllowed: 0,
    /** Larger than `message_size_limit`. */
    overSizeLimit: 0,
    /** It could not be read from the store any more. */
    unreadable: 0,
    /** The broker is short of memory. */
    memory: 0,
  }
  /** Times that the store said batches were safe, and how long the oldest of them had waited, in all and at most. */
  commits = 0
  commitMs = 0
  /** For whoever reads it to set back to 0. */
  commitMsMax = 0
}

export type DropReason = keyof Stats['drops']

/** What a broker holds at the moment; the numbers behind `$SYS` and the metrics. */
export interface Counts {
  sessions: number
  connected: number
  sockets: number
  retained: number
  retainedBytes: number
  queued: number
  queuedBytes: number
  subscriptions: number
  sharedSubscriptions: number
  /** Bytes and connections that wait for slow clients. */
  outputBytes: number
  outputPackets: number
}

/** Messages that a session did not get. */
export interface Drops {
  count: number
  /** The log has it: once a connection. */
  isNoted: boolean
  /** Why, the last time, and when: wall clock, ms. */
  reason: DropReason
  lastMs: number
}
