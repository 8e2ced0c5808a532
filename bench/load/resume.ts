/** The load that takes the sessions of `backlog` up again, perhaps at another node. */
import { performance } from 'node:perf_hooks'
import { closeLink, newLoad, openLink, until } from './link.ts'
import type { ProtocolVersion } from './frames.ts'

export interface ResumeOptions {
  readonly port: number
  readonly version: ProtocolVersion
  readonly sessions: number
  readonly messages: number
  /** Connections at a time. */
  readonly concurrent: number
  /** ms since 1970, when all of them end; null: never. Needs MQTT 5.0. */
  readonly expiresAtMs: number | null
}

const LIMIT_MS = 150_000

/** Connects as each absent session, takes its messages, and leaves. */
export async function runResume(options: ResumeOptions) {
  const { sessions, messages, concurrent, expiresAtMs } = options
  const load = newLoad(options.port, expiresAtMs === null ? options.version : 5)
  load.expiresAtMs = expiresAtMs
  const started = performance.now()
  for (let first = 0; first < sessions; first += concurrent) {
    const end = Math.min(sessions, first + concurrent)
    const ids = Array.from({ length: end - first }, (_, index) => `backlog-${first + index}`)
    const links = ids.map((clientId) => openLink(load, clientId, false))
    await until(load, () => load.delivered >= end * messages, LIMIT_MS, 'taking messages')
    for (const link of links) closeLink(link)
  }
  const seconds = (performance.now() - started) / 1000
  return { sessions, resumed_per_s: Math.round(sessions / seconds) }
}
