/** What happens to clients of another thread, told the first thread's observer. */
import type { Config } from '../config/config.ts'
import type { Identity, Observer } from '../ports/ports.ts'
import type { FromThread, Seen } from './thread-messages.ts'
import type { Whereabouts } from './whereabouts.ts'

/** Does anybody look at what happens to clients? */
function isWatched({ listeners, bridges }: Config): boolean {
  return (
    bridges.length > 0 ||
    listeners.some(
      ({ protocol, dynamicSecurityFile }) =>
        protocol === 'http_api' || dynamicSecurityFile !== null,
    )
  )
}

/** The observer of a thread beside the first. @param config The one in force: a reload may bring who looks. */
export function forwardObserver(
  tell: (message: FromThread) => void,
  config: () => Config,
): Observer {
  const told = (seen: Seen): void => {
    if (isWatched(config())) tell({ kind: 'seen', seen })
  }
  return {
    connected: (who, version) => told({ event: 'connected', args: [plain(who), version] }),
    disconnected: (who, reason) => told({ event: 'disconnected', args: [plain(who), reason] }),
    refused: (who, remote, reason) =>
      told({ event: 'refused', args: [who === null ? null : plain(who), remote, reason] }),
    subscribed: (who, ...granted) => told({ event: 'subscribed', args: [plain(who), ...granted] }),
    subscribeRefused: (who, filter, reason) =>
      told({ event: 'subscribeRefused', args: [plain(who), filter, reason] }),
    unsubscribed: (who, filter) => told({ event: 'unsubscribed', args: [plain(who), filter] }),
    expired: (...args) => told({ event: 'expired', args }),
    willDue: (...args) => told({ event: 'willDue', args }),
  }
}

/** Without what only its own thread knows. */
export function plain({ clientId, username, remote, origin }: Identity): Identity {
  return { clientId, username, remote, origin, listener: null, login: null }
}

/** One thing that was seen: the first thread's observer is told as if it were its own. */
export function observe(
  observer: Observer,
  whereabouts: Whereabouts,
  thread: number,
  { event, args }: Seen,
): void {
  if (event === 'connected') whereabouts.connected(thread, args[0])
  if (event === 'disconnected') whereabouts.disconnected(thread, args[0])
  const heard = observer[event] as ((...args: unknown[]) => void) | undefined
  heard?.(...args)
}
