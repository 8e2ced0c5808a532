/** What the screen allows. */
import { useSyncExternalStore } from 'react'

const phone = matchMedia('(max-width: 900px)')

/** A screen on which one pane is seen at a time. */
export function isPhone(): boolean {
  return phone.matches
}

function subscribe(listener: () => void): () => void {
  phone.addEventListener('change', listener)
  return () => phone.removeEventListener('change', listener)
}

/** Height of a message's row in pixels: one line, on a phone two. */
export function useRowHeight(): number {
  return useSyncExternalStore(subscribe, isPhone) ? 50 : 28
}
