/** The dialog that is open, if one is. */
import { ConnectionForm } from '../client/connection-form.tsx'
import { ConnectionsDialog } from '../client/connections-dialog.tsx'
import { app, sessionOf, type DialogName } from '../state/app-state.ts'
import { HelpDialog } from './help-dialog.tsx'
import { Palette } from './palette.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { later } from '../ui/later.tsx'
import { useStore } from '../ui/store.ts'

const close = () => app.set({ dialog: null })

const CsvDialog = later(async () => (await import('../client/csv-dialog.tsx')).CsvDialog, close)
const RetainedDialog = later(
  async () => (await import('../client/retained-dialog.tsx')).RetainedDialog,
  close,
)
const SchemasDialog = later(
  async () => (await import('../client/schemas-dialog.tsx')).SchemasDialog,
  close,
)
const SettingsDialog = later(
  async () => (await import('../client/settings-dialog.tsx')).SettingsDialog,
  close,
)
const SessionDialog = later(
  async () => (await import('../client/session-dialog.tsx')).SessionDialog,
  close,
)
const TransferDialog = later(
  async () => (await import('../client/transfer-dialog.tsx')).TransferDialog,
  close,
)

export function Dialogs() {
  const dialog = useStore(app, (state) => state.dialog)
  const activeId = useStore(app, (state) => state.activeId)
  if (dialog === null) return null
  return content(dialog, sessionOf(activeId))
}

function content(dialog: DialogName, session: SessionHandle | undefined) {
  switch (dialog.kind) {
    case 'connection':
      return <ConnectionForm key={dialog.id} id={dialog.id} draft={dialog.draft} />
    case 'connections':
      return <ConnectionsDialog />
    case 'help':
      return <HelpDialog />
    case 'palette':
      return <Palette />
    case 'settings':
      return <SettingsDialog />
    case 'schemas':
      return <SchemasDialog />
    case 'retained':
      return session && <RetainedDialog session={session} filter={dialog.filter} />
    case 'transfer':
      return session && <TransferDialog session={session} />
    case 'csv':
      return session && <CsvDialog session={session} />
    case 'session':
      return session && <SessionDialog session={session} />
  }
}
