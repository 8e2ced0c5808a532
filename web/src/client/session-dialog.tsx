/** What the broker said when it let us in. */
import { dateTimeText } from '../ui/format.ts'
import { app, profileOf } from '../state/app-state.ts'
import { Dialog } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useDuration, useText } from '../ui/text.ts'
import { PropertyList } from './property-list.tsx'

export function SessionDialog({ session }: { session: SessionHandle }) {
  const t = useText()
  const duration = useDuration()
  const { connack, onlineSinceMs } = useStore(session.store, (state) => state.status)
  const profile = profileOf(session.id)
  return (
    <Dialog title={t.sessionDetails} onClose={() => app.set({ dialog: null })}>
      {connack === null ? (
        <p className="empty">{t.statuses.offline}</p>
      ) : (
        <>
          <dl className="properties is-large">
            <div>
              <dt>{t.version}</dt>
              <dd>MQTT {{ 3: '3.1', 4: '3.1.1', 5: '5.0' }[profile?.version ?? 5]}</dd>
            </div>
            <div>
              <dt>{t.clientId}</dt>
              <dd className="mono">{connack.clientId}</dd>
            </div>
            <div>
              <dt>{t.sessionPresent}</dt>
              <dd>{connack.sessionPresent ? t.yes : t.no}</dd>
            </div>
            {onlineSinceMs !== null && (
              <div>
                <dt>{t.onlineSince}</dt>
                <dd>
                  {dateTimeText(onlineSinceMs).slice(0, 19)}
                  {t.aside(duration(Date.now() - onlineSinceMs))}
                </dd>
              </div>
            )}
          </dl>
          <PropertyList properties={connack.properties} />
        </>
      )}
    </Dialog>
  )
}
