/** Logo, areas, open connections, and what concerns the page as a whole. */
import { statusKind, statusWords } from '../client/status-words.ts'
import type { Theme } from '../model/settings.ts'
import {
  app,
  closeSession,
  profileOf,
  putSettings,
  setArea,
  type Area,
} from '../state/app-state.ts'
import { shortCount } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton, Sparkline, Tabs } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { languageOf, useText } from '../ui/text.ts'

const NEXT_THEME: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const THEME_ICONS = { system: 'half', light: 'sun', dark: 'moon' } as const

export function TopBar() {
  const t = useText()
  const area = useStore(app, (state) => state.area)
  const sessions = useStore(app, (state) => state.sessions)
  return (
    <header className="top-bar">
      <a className="skip" href="#main">
        {t.skipToContent}
      </a>
      <span className="logo" aria-hidden="true">
        <svg width="22" height="22" viewBox="0 0 32 32">
          <rect width="32" height="32" rx="9" fill="var(--accent)" />
          <path
            d="M6 22V11l5 6 5-6 5 6 5-6v11"
            fill="none"
            stroke="var(--on-accent)"
            strokeWidth="3"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        <b>Mozzie</b>
      </span>
      <Tabs<Area>
        label={t.areas}
        className="area-tabs"
        value={area}
        tabs={[
          ['client', t.client],
          ['broker', t.broker],
        ]}
        onChange={setArea}
      />
      <nav className="connection-tabs" aria-label={t.openConnections}>
        {sessions.map((session) => (
          <ConnectionTab key={session.id} session={session} />
        ))}
        {area === 'client' && (
          <IconButton
            icon="plus"
            className="is-last"
            label={t.connections}
            onClick={() => app.set({ dialog: { kind: 'connections' } })}
          />
        )}
      </nav>
      <PageTools />
    </header>
  )
}

function PageTools() {
  const t = useText()
  const { theme, language } = useStore(app, (state) => state.settings)
  const other = languageOf(language) === 'en' ? 'zh' : 'en'
  return (
    <div className="page-tools">
      <button
        type="button"
        className="palette-button"
        aria-label={`${t.commandPalette} Ctrl K`}
        onClick={() => app.set({ dialog: { kind: 'palette' } })}
      >
        <Icon name="search" size={14} />
        <kbd>Ctrl K</kbd>
      </button>
      <button
        type="button"
        className="icon-button language"
        lang={other === 'zh' ? 'zh-CN' : 'en'}
        aria-label={other === 'zh' ? '切换到中文' : 'EN: switch to English'}
        onClick={() => putSettings({ language: other })}
      >
        {other === 'zh' ? '中' : 'EN'}
      </button>
      <IconButton
        className="theme"
        icon={THEME_ICONS[theme]}
        label={t.labelled(t.theme, t.themes[theme])}
        onClick={() => putSettings({ theme: NEXT_THEME[theme] })}
      />
      <IconButton
        icon="settings"
        label={t.settings}
        onClick={() => app.set({ dialog: { kind: 'settings' } })}
      />
      <IconButton
        icon="keyboard"
        className="wide-only"
        label={t.keyboardHelp}
        onClick={() => app.set({ dialog: { kind: 'help' } })}
      />
    </div>
  )
}

function ConnectionTab({ session }: { session: SessionHandle }) {
  const t = useText()
  const status = useStore(session.store, (state) => state.status)
  const stats = useStore(session.store, (state) => state.stats)
  const seen = useStore(session.store, (state) => state.seenMessages)
  const isActive = useStore(
    app,
    ({ activeId, area }) => activeId === session.id && area === 'client',
  )
  const profileName = useStore(
    app,
    () => profileOf(session.id)?.name || profileOf(session.id)?.host || '',
  )
  const name = session.file ?? profileName
  const unread = isActive || session.file !== null ? 0 : stats.received - seen
  const open = () => {
    app.set({ activeId: session.id })
    setArea('client')
  }
  return (
    <div className={`connection-tab ${isActive ? 'is-active' : ''}`}>
      <button type="button" aria-current={isActive ? 'page' : undefined} onClick={open}>
        {session.file === null ? (
          <span className={`dot is-${statusKind(status)}`} aria-hidden="true" />
        ) : (
          <Icon name="file" size={14} />
        )}
        <span className="name">{name}</span>
        <span className="visually-hidden">
          {session.file === null ? statusWords(status, t) : t.captureFile}
        </span>
        {unread > 0 && <span className="badge">{shortCount(unread)}</span>}
        {isActive && session.file === null && stats.history.length > 0 && (
          <span className="rate" title={t.perSecond(stats.inPerSecond)}>
            <Sparkline values={stats.history.slice(-30)} width={36} height={14} />
            {t.rate(shortCount(stats.inPerSecond))}
          </span>
        )}
      </button>
      <IconButton
        icon="close"
        label={t.labelled(t.close, name)}
        onClick={() => closeSession(session.id)}
      />
    </div>
  )
}
