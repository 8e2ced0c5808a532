/** A question before something that cannot be undone, in the page's own dialog. */
import { Dialog } from './parts.tsx'
import { createStore, useStore } from './store.ts'
import { useText } from './text.ts'

interface Asked {
  readonly question: string
  /** What the button that does it says. */
  readonly action: string
  readonly answer: (yes: boolean) => void
}

const asked = createStore<{ now: Asked | null }>({ now: null })

/** Whether the person wants it. */
export function confirmed(question: string, action: string): Promise<boolean> {
  asked.get().now?.answer(false)
  return new Promise((resolve) => {
    const answer = (yes: boolean) => {
      asked.set({ now: null })
      resolve(yes)
    }
    asked.set({ now: { question, action, answer } })
  })
}

/** To be placed once, above everything else. */
export function ConfirmDialog() {
  const t = useText()
  const now = useStore(asked, (state) => state.now)
  if (now === null) return null
  return (
    <Dialog
      title={now.question}
      className="confirm"
      onClose={() => now.answer(false)}
      footer={
        <>
          <button type="button" className="button" onClick={() => now.answer(false)}>
            {t.cancel}
          </button>
          <button
            type="button"
            className="button is-danger"
            data-first
            onClick={() => now.answer(true)}
          >
            {now.action}
          </button>
        </>
      }
    />
  )
}
