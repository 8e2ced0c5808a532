import { app } from '../page/app-state.ts'
import { Dialog } from '../page/parts.tsx'
import { useText } from '../page/text.ts'
import { ConnectionList } from './connection-list.tsx'

export function ConnectionsDialog() {
  const t = useText()
  return (
    <Dialog title={t.connections} onClose={() => app.set({ dialog: null })}>
      <ConnectionList />
    </Dialog>
  )
}
