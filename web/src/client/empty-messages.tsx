/** What to do when there is nothing to see. */
import { app, profileOf, subscribeTo } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function EmptyMessages({ session }: { session: SessionHandle }) {
  const t = useText()
  const status = useStore(session.store, (state) => state.status.kind)
  const { received } = useStore(session.store, (state) => state.stats)
  const subscriptions = useStore(app, () => profileOf(session.id)?.subscriptions.length ?? 0)
  const isOnline = status === 'online'
  return (
    <div className="empty is-large">
      {!isOnline && <p>{t.emptyOffline}</p>}
      {isOnline && subscriptions === 0 && (
        <>
          <p>{t.emptyNoSubscription}</p>
          <div className="actions is-centred">
            <button
              type="button"
              className="button is-primary"
              onClick={() => subscribeTo(session.id, '#')}
            >
              {t.subscribeAll}
            </button>
            <button
              type="button"
              className="button"
              onClick={() => subscribeTo(session.id, '$SYS/#')}
            >
              {t.subscribeSys}
            </button>
          </div>
        </>
      )}
      {isOnline && subscriptions > 0 && <p>{received > 0 ? t.emptyFiltered : t.emptyWaiting}</p>}
    </div>
  )
}
