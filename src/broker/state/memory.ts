/**
 * What clients make the broker keep, in bytes: counted when it is kept and when it goes, because what the process
 * uses cannot be asked for at every packet, and has garbage in it. The numbers are estimates of heap and buffers
 * together; `tests/broker/memory.test.ts` holds them against what the process really takes.
 */
import type { Message } from '../../ports/message.ts'
import { Pressure, pressureOf } from '../../ports/pressure.ts'
import type { Core } from './core.ts'
import type { Connection } from './model.ts'

export const Bytes = {
  /** A socket, its link and its connection. */
  connection: 8000,
  session: 900,
  /** A subscription in its session's table and in the trie, beside its filter and the nodes that it needs. */
  subscription: 280,
  /** A level of a filter with wildcards, or of a retained topic: a node, its text, its place in its parent. */
  node: 115,
  /** A message beside its topic, properties and payload; those of small ones are charged with the page they share. */
  message: 460,
  /** A page beside its bytes. */
  page: 350,
  /** A page of small retained messages. */
  shelfPage: 16_800,
  /** A message's place in a queue, a window or a table. */
  entry: 200,
  topic: 150,
  /** An acknowledgement that waits for the store. */
  reply: 100,
  /** Where a subscription is in what is retained. */
  replay: 600,
} as const

/** `bytes` more are kept; fewer, when it is negative. */
export function charge(core: Core, bytes: number): void {
  core.keptBytes += bytes
  if (core.keptBytes >= core.keptBytesNext) judgeMemory(core)
}

/** A connection makes the broker keep so many bytes more, or fewer. */
export function chargeConnection(core: Core, connection: Connection, bytes: number): void {
  connection.keptBytes += bytes
  charge(core, bytes)
}

/** It is over: nothing is kept for it any more. */
export function dischargeConnection(core: Core, connection: Connection): void {
  charge(core, -connection.keptBytes)
  connection.keptBytes = 0
}

/** The trie had so many `nodes` before: nodes stay as long as anybody's filter needs them, not only who brought them. */
export function chargeNodes(core: Core, nodes: number): void {
  charge(core, (core.trie.nodeCount - nodes) * Bytes.node)
}

/** Sets `core.pressure`, and from what on it has to be looked at again. */
export function judgeMemory(core: Core): void {
  const { limit, others } = core.memory
  if (limit === 0) {
    core.pressure = Pressure.none
    core.keptBytesNext = Infinity
    return
  }
  const usedBytes = core.keptBytes + others
  const [level, next] = pressureOf(usedBytes, limit)
  core.pressure = level
  if (level >= core.pressurePeak.level) core.pressurePeak = { level, usedBytes }
  core.keptBytesNext = next - others
}

/** One more keeps a kept message; the first one is charged for it. */
export function addKeeper(core: Core, message: Message): void {
  if (message.keepers++ > 0) return
  const { page, size } = message
  const bytes = page === null ? size : page.kept++ === 0 ? page.bytes.length + Bytes.page : 0
  charge(core, bytes + Bytes.message)
}

export function dropKeeper(core: Core, message: Message): void {
  if (--message.keepers > 0) return
  const { page, size } = message
  const bytes = page === null ? size : --page.kept === 0 ? page.bytes.length + Bytes.page : 0
  charge(core, -bytes - Bytes.message)
}
