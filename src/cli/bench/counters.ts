/** What a load counts. */
import { Histogram } from './histogram.ts'

/** What a load has counted so far; the same fields add up over threads. */
export class Counters {
  /** Connections that were accepted, refused or lost, and how long the handshake took. */
  connected = 0
  failed = 0
  sent = 0
  sentBytes = 0
  acked = 0
  received = 0
  receivedBytes = 0
  /** Copies that the sent messages should make; what was not received of them is lost. */
  expected = 0
  connectTimes = new Histogram()
  /** From sending (in an open loop: from when it was due) to arrival, or without a receiver to the acknowledgement. */
  latency = new Histogram()
  /** The first thing that went wrong. */
  problem: string | null = null

  add(other: Counters): void {
    this.connected += other.connected
    this.failed += other.failed
    this.sent += other.sent
    this.sentBytes += other.sentBytes
    this.acked += other.acked
    this.received += other.received
    this.receivedBytes += other.receivedBytes
    this.expected += other.expected
    this.connectTimes.add(other.connectTimes)
    this.latency.add(other.latency)
    this.problem ??= other.problem
  }
}
