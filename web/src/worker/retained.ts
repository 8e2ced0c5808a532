/** Finds retained messages by looking: a client of its own subscribes, listens until it is quiet, and leaves. */
import { topicFilterProblem } from '../../../src/topics/names.ts'
import { preview } from '../decode/preview.ts'
import { emptySubscription, emptyWill, newClientId, type Profile } from '../model/profile.ts'
import type { RetainedFound } from '../protocol/protocol.ts'
import type { OpenLink } from './link.ts'

const QUIET_MS = 400
const SECONDS_MAX = 20
const FOUND_MAX = 200_000

interface Found {
  found: RetainedFound[]
  total: number
  problem: string | null
}

/** All topics (at most 200,000) below `filter` that have a retained message. */
export function findRetained(openLink: OpenLink, profile: Profile, filter: string): Promise<Found> {
  const problem = topicFilterProblem(filter)
  if (problem !== null) return Promise.resolve({ found: [], total: 0, problem })
  return new Promise((resolve) => {
    const found = new Map<string, RetainedFound>()
    let quiet: ReturnType<typeof setTimeout> | null = null
    const finish = (failure: string | null) => {
      clearTimeout(limit)
      if (quiet !== null) clearTimeout(quiet)
      link.end()
      resolve({ found: [...found.values()], total: found.size, problem: failure })
    }
    const limit = setTimeout(() => finish(null), SECONDS_MAX * 1000)
    const listen = () => {
      if (quiet !== null) clearTimeout(quiet)
      quiet = setTimeout(() => finish(null), QUIET_MS)
    }
    const link = openLink(lookout(profile), {
      online: () => {
        link.subscribe(emptySubscription(filter, 0)).then(
          ({ code, reason }) => (code < 0x80 ? listen() : finish(reason)),
          (error: unknown) => finish(error instanceof Error ? error.message : String(error)),
        )
      },
      offline: (_, why) => finish(why ?? 'connection closed'),
      message: ({ topic, payload, retain }) => {
        // A filter that begins with # also brings live messages, which are none of this.
        if (!retain || payload.length === 0) return
        if (found.size < FOUND_MAX) {
          found.set(topic, { topic, size: payload.length, preview: preview(payload, 'auto') })
        }
        if (quiet !== null) listen()
      },
    })
  })
}

function lookout(profile: Profile): Profile {
  return {
    ...profile,
    clientId: newClientId(),
    cleanStart: true,
    reconnect: false,
    sessionExpirySeconds: '',
    will: emptyWill(),
    subscriptions: [],
  }
}
