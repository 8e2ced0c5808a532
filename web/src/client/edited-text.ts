/** A text that is stored when its field is left. Until it is typed into, the field shows what is stored, by whichever tab. */
import { useState } from 'react'
import { notify } from '../state/app-state.ts'
import { useText } from '../ui/text.ts'

interface EditedText {
  readonly value: string
  readonly type: (text: string) => void
  readonly leave: () => void
}

/** @param label Names the field where another tab has changed it meanwhile. */
export function useEditedText(
  stored: string,
  label: string,
  save: (text: string) => void,
): EditedText {
  const t = useText()
  const [typed, setTyped] = useState<{ readonly text: string; readonly from: string } | null>(null)
  return {
    value: typed?.text ?? stored,
    type: (text) => setTyped({ text, from: typed?.from ?? stored }),
    leave() {
      setTyped(null)
      if (typed === null || typed.text === typed.from || typed.text === stored) return
      save(typed.text)
      if (typed.from !== stored) notify(t.otherTabReplaced(label, stored), true)
    },
  }
}
