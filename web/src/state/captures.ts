/** Files of messages, each in a tab of its own: nothing of them is live, so no rate and no counter of a connection knows them. */
import { emptyProfile, newId } from '../model/profile.ts'
import type { ImportAnswer } from '../protocol/protocol.ts'
import { app, configure, hereAddress } from './app-state.ts'
import { openSession } from './session-handle.ts'

/** Opens the file's messages. Rejects with what is wrong with the file. */
export async function openCapture(name: string, text: string): Promise<ImportAnswer> {
  const session = openSession(newId(), name)
  configure(session, { ...emptyProfile(hereAddress()), name })
  session.send({ kind: 'view', view: session.store.get().request })
  try {
    const answer = await session.ask('import', { text })
    session.store.set({ unread: answer.unread, altered: answer.altered })
    const { sessions } = app.get()
    app.set({
      sessions: [...sessions, session],
      activeId: session.id,
      area: 'client',
      dialog: null,
    })
    return answer
  } catch (error) {
    session.dispose()
    throw error
  }
}
