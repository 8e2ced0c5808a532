/** The shell: top bar, one of two areas, whatever dialog is open. */
import { useEffect } from 'react'
import { Workspace } from '../client/workspace.tsx'
import { Welcome } from '../client/welcome.tsx'
import { sharedProfile } from '../publish/share.ts'
import { app, sessionOf, setArea } from '../state/app-state.ts'
import { Dialogs } from './dialogs.tsx'
import { ConfirmDialog } from '../ui/confirm.tsx'
import { later } from '../ui/later.tsx'
import { useStore } from '../ui/store.ts'
import { useLanguage } from '../ui/text.ts'
import { TopBar } from './top-bar.tsx'
import { useShortcuts } from './shortcuts.ts'

const BrokerArea = later(async () => (await import('../broker/broker-area.tsx')).BrokerArea)

export function App() {
  const area = useStore(app, (state) => state.area)
  const theme = useStore(app, ({ settings }) => settings.theme)
  const activeId = useStore(app, (state) => state.activeId)
  useStore(app, (state) => state.sessions)
  const language = useLanguage()
  useShortcuts()

  useEffect(() => {
    document.documentElement.dataset.theme = theme
  }, [theme])
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  }, [language])
  useEffect(() => {
    const onHash = () => {
      setArea(location.hash.startsWith('#broker') ? 'broker' : 'client')
      openShared()
    }
    openShared()
    addEventListener('hashchange', onHash)
    return () => removeEventListener('hashchange', onHash)
  }, [])

  const session = sessionOf(activeId)
  return (
    <>
      <TopBar />
      <main className="area" id="main">
        {area === 'broker' ? (
          <BrokerArea />
        ) : session === undefined ? (
          <Welcome />
        ) : (
          <Workspace key={session.id} session={session} />
        )}
      </main>
      <Dialogs />
      <ConfirmDialog />
      <Notice />
    </>
  )
}

/** An address that shares a connection fills the form of a new one. */
function openShared(): void {
  const draft = sharedProfile(location.hash)
  if (draft === null) return
  history.replaceState(null, '', '#client')
  app.set({ dialog: { kind: 'connection', id: null, draft } })
}

function Notice() {
  const notice = useStore(app, (state) => state.notice)
  return (
    <div className="notices" role="status" aria-live="polite">
      {notice !== null && (
        <p className={`notice ${notice.isProblem ? 'is-problem' : ''}`}>{notice.text}</p>
      )}
    </div>
  )
}
