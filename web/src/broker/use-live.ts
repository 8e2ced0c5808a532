/** The broker's server-sent events. The browser reconnects by itself. */
import { useEffect, useRef, useState } from 'react'
import { useStore } from '../ui/store.ts'
import { refreshSession, urlOf } from './api.ts'
import { reach } from './reach.ts'

type Handlers = Partial<Record<'stats' | 'client' | 'log', (data: unknown) => void>>

/** Calls the handlers; false: the feed is broken at the moment. */
export function useLive(query: Record<string, string>, handlers: Handlers, isOn = true): boolean {
  const [isConnected, setConnected] = useState(true)
  const latest = useRef(handlers)
  latest.current = handlers
  const url = urlOf('events', { query })
  // The stream of a machine that is no more stays open and silent.
  const returns = useStore(reach, (state) => state.returns)
  useEffect(() => {
    if (!isOn) return
    const source = new EventSource(url)
    const names = ['stats', 'client', 'log'] as const
    for (const name of names) {
      source.addEventListener(name, (event) =>
        latest.current[name]?.(JSON.parse(String(event.data))),
      )
    }
    source.addEventListener('open', () => setConnected(true))
    source.addEventListener('error', () => {
      setConnected(false)
      // A stream says nothing of why it broke off: a question does.
      void refreshSession()
    })
    return () => source.close()
  }, [url, isOn, returns])
  return isConnected
}
