/**
 * Parts of the page that are loaded when they are first used, or when the page has nothing else to do: a broker that is
 * gone cannot be asked for them any more, and that is when its log and what came from it are wanted.
 */
import { useEffect, useState, type ComponentType } from 'react'
import { Dialog } from './parts.tsx'
import { useText } from './text.ts'

const LATE_MS = 5000
const TRY_AGAIN_MS = 2000

const parts: (() => Promise<unknown>)[] = []

/** What `load` resolves to, as a component; `closeDialog`: it is a dialog, and this closes it. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  closeDialog?: () => void,
): ComponentType<P> {
  let made: ComponentType<P> | null = null
  const get = async (): Promise<ComponentType<P>> => (made ??= await load())
  parts.push(get)
  return function Later(props: P) {
    const [Part, setPart] = useState(() => made)
    const [isLate, setLate] = useState(false)
    useEffect(() => {
      if (Part !== null) return
      let isStale = false
      let again: ReturnType<typeof setTimeout> | undefined
      const ask = () => {
        get().then(
          (part) => isStale || setPart(() => part),
          () => {
            if (isStale) return
            setLate(true)
            again = setTimeout(ask, TRY_AGAIN_MS)
          },
        )
      }
      ask()
      const late = setTimeout(() => setLate(true), LATE_MS)
      return () => {
        isStale = true
        clearTimeout(again)
        clearTimeout(late)
      }
    }, [Part])
    if (Part !== null) return <Part {...props} />
    return <NotHere isLate={isLate} closeDialog={closeDialog} />
  }
}

function NotHere({
  isLate,
  closeDialog,
}: {
  isLate: boolean
  closeDialog: (() => void) | undefined
}) {
  const t = useText()
  if (closeDialog !== undefined)
    return isLate ? <Dialog title={t.partMissing} onClose={closeDialog} /> : null
  return (
    <p className="empty" role={isLate ? 'alert' : undefined}>
      {isLate ? t.partMissing : t.loading}
    </p>
  )
}

/** Loads all parts, one after the other, when the browser is idle. */
export function loadWhenIdle(afterMs: number): void {
  const next = (at: number) => {
    const get = parts[at]
    if (get === undefined) return
    // One that fails now is tried again when it is used.
    requestIdleCallback(
      () =>
        void get().then(
          () => next(at + 1),
          () => {},
        ),
    )
  }
  setTimeout(() => next(0), afterMs)
}
