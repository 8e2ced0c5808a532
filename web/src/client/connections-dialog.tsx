/** All connections, from anywhere. */
import { app } from '../state/app-state.ts'
import { Dialog } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { ConnectionList } from './connection-list.tsx'

export function ConnectionsDialog() {
  const t = useText()
  return (
    <Dialog title={t.connections} onClose={() => app.set({ dialog: null })}>
      <ConnectionList />
    </Dialog>
  )
}
