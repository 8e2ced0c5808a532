/** What to do when there is nothing to see. */
import { app, profileOf, subscribeTo } from '../state/app-state.ts'
import { AskLogin, ConnectHelp } from './connect-help.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function EmptyMessages({ session }: { session: SessionHandle }) {
  const t = useText()
  const status = useStore(session.store, (state) => state.status.kind)
  const { received, kept } = useStore(session.store, (state) => state.stats)
  const subscriptions = useStore(app, () => profileOf(session.id)?.subscriptions.length ?? 0)
  const isOnline = status === 'online'
  if (session.file !== null) return <p className="empty is-large">{t.emptyFiltered}</p>
  return (
    <div className="empty is-large">
      {!isOnline && (kept > 0 ? <p>{t.emptyFiltered}</p> : <Offline session={session} />)}
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

/** A refused login asks for another one above what came before, too. */
export function LoginStrip({ session }: { session: SessionHandle }) {
  const isRefused = useStore(session.store, ({ status }) => status.loginRefused)
  const isEmpty = useStore(session.store, ({ stats, mode }) => stats.kept === 0 && mode !== 'chart')
  const profile = useStore(app, () => profileOf(session.id))
  if (!isRefused || isEmpty || profile === undefined) return null
  return (
    <div className="login-strip">
      <AskLogin session={session} profile={profile} />
    </div>
  )
}

function Offline({ session }: { session: SessionHandle }) {
  const t = useText()
  const status = useStore(session.store, (state) => state.status)
  const profile = useStore(app, () => profileOf(session.id))
  if (profile !== undefined && status.loginRefused)
    return <AskLogin session={session} profile={profile} />
  const hasFailed = status.problem !== null && status.code === null && !status.wasOnline
  if (profile !== undefined && hasFailed) return <ConnectHelp session={session} profile={profile} />
  return <p>{t.emptyOffline}</p>
}
