/** Counters since the start; `$SYS`, metrics and the tests read them. Plain numbers: one `+=` each. */
export class Stats {
  messagesReceived = 0
  messagesSent = 0
  bytesReceived = 0
  bytesSent = 0
  publishReceived = 0
  publishSent = 0
  publishDropped = 0
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
}
