/** How the connection is doing, in one line, and what to do about it. */
import { Reason } from '../../../src/codec/reason-codes.ts'
import { profileUrl } from '../model/profile.ts'
import type { Status } from '../protocol/protocol.ts'
import type { Text } from '../i18n/en.ts'
import { endWords } from '../i18n/reasons.ts'
import { app, profileOf } from '../state/app-state.ts'
import { bytesText, countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton } from '../ui/parts.tsx'
import { statusKind, statusWords } from './status-words.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useDuration, useLanguage, useText } from '../ui/text.ts'
import { useNow } from '../ui/use-now.ts'

/** What a file holds, and from when to when. */
export function FileBar({ session }: { session: SessionHandle }) {
  const t = useText()
  const stats = useStore(session.store, (state) => state.stats)
  const unread = useStore(session.store, (state) => state.unread)
  const altered = useStore(session.store, (state) => state.altered)
  return (
    <header className="status-bar is-file">
      <Icon name="file" size={14} />
      <strong role="status">{t.fileNamed(session.file ?? '')}</strong>
      <span className="is-quiet" data-received={stats.received + stats.sent}>
        {t.importedMessages(stats.received + stats.sent)}
        {stats.madeRoom > 0 && ` · ${t.madeRoom(countText(stats.madeRoom))}`}
      </span>
      {altered > 0 && <span className="problem">{t.alteredPayloads(altered)}</span>}
      {unread.total > 0 && (
        <details className="unread">
          <summary className="problem">{t.unreadLines(unread.total)}</summary>
          <ul>
            {unread.first.map(({ line, reason }) => (
              <li key={line}>{t.problem(`line ${line}: ${reason}`)}</li>
            ))}
            {unread.total > unread.first.length && (
              <li>{t.andMore(countText(unread.total - unread.first.length))}</li>
            )}
          </ul>
        </details>
      )}
    </header>
  )
}

export function StatusBar({ session }: { session: SessionHandle }) {
  const t = useText()
  const status = useStore(session.store, (state) => state.status)
  const profile = useStore(app, () => profileOf(session.id))
  const isOff = status.kind === 'offline'
  return (
    <header className={`status-bar is-${statusKind(status)}`}>
      <span className={`dot is-${statusKind(status)}`} aria-hidden="true" />
      <strong role="status">{statusWords(status, t)}</strong>
      {profile !== undefined && <code className="address">{profileUrl(profile)}</code>}
      <StatusProblem status={status} />
      {status.silentSinceMs !== null && <Silence sinceMs={status.silentSinceMs} />}
      <Counters session={session} />
      <span className="status-actions">
        {status.connack !== null && (
          <IconButton
            icon="info"
            label={t.sessionDetails}
            onClick={() => app.set({ dialog: { kind: 'session' } })}
          />
        )}
        <IconButton
          icon="edit"
          label={t.editConnection}
          onClick={() => app.set({ dialog: { kind: 'connection', id: session.id } })}
        />
        <button
          type="button"
          className={`button is-small ${isOff ? 'is-primary' : ''}`}
          onClick={() => session.send({ kind: isOff ? 'connect' : 'disconnect' })}
        >
          <Icon name="power" size={14} /> {isOff ? t.connect : t.disconnect}
        </button>
      </span>
    </header>
  )
}

function StatusProblem({ status }: { status: Status }) {
  const t = useText()
  const language = useLanguage()
  const nowMs = useNow(status.retryAtMs === null ? null : 500)
  if (status.problem === null && status.code === null) return null
  const words = status.code === null ? null : endWords(status.code, language)
  const retry =
    status.retryAtMs === null
      ? ''
      : t.retryIn(Math.max(0, Math.ceil((status.retryAtMs - nowMs) / 1000)))
  return (
    <span className="problem" role="alert">
      {[
        words,
        status.code === Reason.sessionTakenOver ? t.takenOver : null,
        words === null ? transportWords(status, t) : ownWords(status),
        retry,
      ]
        .filter((part) => part !== null && part !== '')
        .join(' · ')}
    </span>
  )
}

function Silence({ sinceMs }: { sinceMs: number }) {
  const t = useText()
  const duration = useDuration()
  const nowMs = useNow(1000)
  return (
    <span className="problem" role="alert">
      {t.silent(duration(Math.max(0, nowMs - sinceMs)))}
    </span>
  )
}

/** How the client begins what it says of a reason: that is said in words already, and what the broker added stays. */
const SAID = /^(?:connection refused: [^(]*|the server disconnected: [^(]*\(0x[0-9a-f]{2}\)(?:: )?)/

/** What the broker added: of `connection refused: Not authorized (banned)` the last. */
function ownWords({ problem }: Status): string | null {
  return problem === null ? null : problem.replace(SAID, '')
}

/** What browsers say of a broken WebSocket, "closed (1006)", says nothing: the causes stand where the messages will be. */
function transportWords({ problem, code, wasOnline }: Status, t: Text): string | null {
  if (code !== null || problem === null || !/\b1006\b/.test(problem))
    return problem === null ? null : t.problem(problem)
  return wasOnline ? null : t.noAnswer
}

/** Everything that came, and what of it can no longer be looked at: nothing gets lost in silence. */
function Counters({ session }: { session: SessionHandle }) {
  const t = useText()
  const stats = useStore(session.store, (state) => state.stats)
  return (
    <span className="counters">
      <span title={t.receivedHint(bytesText(stats.receivedBytes))} data-received={stats.received}>
        ↓ {countText(stats.received)}
      </span>
      <span title={t.sentHint}>↑ {countText(stats.sent)}</span>
      {stats.madeRoom > 0 && (
        <span className="is-quiet" title={t.madeRoomHint} data-made-room={stats.madeRoom}>
          {t.madeRoom(countText(stats.madeRoom))}
        </span>
      )}
      {stats.tooLarge > 0 && <span className="is-warning">{t.tooLarge(stats.tooLarge)}</span>}
      {stats.topicsForgotten > 0 && (
        <span className="is-quiet">{t.topicsForgotten(countText(stats.topicsForgotten))}</span>
      )}
      {(stats.keepEvery > 1 || stats.sampledOut > 0) && (
        <span className="is-warning" title={t.samplingHint} data-sampled-out={stats.sampledOut}>
          <Icon name="warn" size={13} />
          {stats.keepEvery > 1
            ? t.sampling(stats.keepEvery, countText(stats.inPerSecond))
            : t.sampled(countText(stats.sampledOut))}
        </span>
      )}
    </span>
  )
}
