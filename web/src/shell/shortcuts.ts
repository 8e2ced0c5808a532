/** Keys that work everywhere but in text fields. */
import { useEffect } from 'react'
import { app, sessionOf } from '../state/app-state.ts'

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}

/** Key, and what it does; the help dialog names them. */
const KEYS: Record<string, () => void> = {
  '?': () => app.set({ dialog: { kind: 'help' } }),
  '/': () => document.querySelector<HTMLInputElement>('[data-search]')?.focus(),
  p: () => {
    const session = sessionOf(app.get().activeId)
    if (session !== undefined) session.show({ paused: !session.store.get().request.paused })
  },
  n: () => app.set({ dialog: { kind: 'connection', id: null } }),
}

export function useShortcuts(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.isComposing) return
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        app.set({ dialog: { kind: 'palette' } })
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (app.get().dialog !== null) return
      const act = KEYS[event.key]
      if (act === undefined) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}
