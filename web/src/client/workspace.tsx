/** One connection: topics and subscriptions, messages, detail, and the dock to publish from. */
import { useEffect, useState, type CSSProperties } from 'react'
import { isLoose } from '../model/stored.ts'
import { app, type Pane } from '../state/app-state.ts'
import { Icon, type IconName } from '../ui/icons.tsx'
import { Separator } from '../ui/separator.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { DetailPane } from './detail-pane.tsx'
import { MessageArea } from './message-area.tsx'
import { PublishDock } from './publish-dock.tsx'
import { SidePane } from './side-pane.tsx'
import { FileBar, StatusBar } from './status-bar.tsx'

const SIZES_KEY = 'mozzie.panes'

interface Sizes {
  left: number
  right: number
  bottom: number
}

/** Where there is room for it, a line of hex is seen whole: 16 bytes and their characters. */
const DETAIL_WIDTH = Math.max(372, Math.min(600, innerWidth - 1320))
const DEFAULT_SIZES: Sizes = { left: 284, right: DETAIL_WIDTH, bottom: 196 }
const LIMITS: Record<keyof Sizes, [min: number, max: number]> = {
  left: [180, 560],
  right: [240, 720],
  bottom: [120, 520],
}

function storedSizes(): Sizes {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(SIZES_KEY) ?? '{}')
    const sizes = { ...DEFAULT_SIZES }
    for (const which of ['left', 'right', 'bottom'] as const) {
      const size = isLoose(stored) ? stored[which] : undefined
      const [min, max] = LIMITS[which]
      if (typeof size === 'number' && size >= min && size <= max) sizes[which] = size
    }
    return sizes
  } catch {
    return DEFAULT_SIZES
  }
}

export function Workspace({ session }: { session: SessionHandle }) {
  const t = useText()
  const pane = usePane(session.file !== null)
  const hasSelection = useStore(session.store, (state) => state.selection !== null)
  const [sizes, setSizes] = useState(storedSizes)
  useEffect(() => {
    const see = () => session.store.set({ seenMessages: session.store.get().stats.received })
    see()
    return see
  }, [session])
  const resize = (which: keyof Sizes) => (size: number) => {
    const [min, max] = LIMITS[which]
    const next = { ...sizes, [which]: Math.round(Math.max(min, Math.min(max, size))) }
    setSizes(next)
    try {
      localStorage.setItem(SIZES_KEY, JSON.stringify(next))
    } catch {
      // Sizes are then the default ones next time.
    }
  }
  const style = {
    '--left': `${sizes.left}px`,
    '--right': `${sizes.right}px`,
    '--bottom': `${sizes.bottom}px`,
  } as CSSProperties
  return (
    <div className={`workspace shows-${pane} ${hasSelection ? 'has-detail' : ''}`} style={style}>
      {session.file === null ? <StatusBar session={session} /> : <FileBar session={session} />}
      <SidePane session={session} />
      <Separator
        label={t.resizeTopics}
        className="sep-left"
        size={sizes.left}
        direction={1}
        onResize={resize('left')}
        limits={LIMITS.left}
      />
      <MessageArea session={session} />
      {hasSelection && (
        <Separator
          label={t.resizeDetail}
          className="sep-right"
          size={sizes.right}
          direction={-1}
          onResize={resize('right')}
          limits={LIMITS.right}
        />
      )}
      {hasSelection && <DetailPane session={session} />}
      {session.file === null && <PublishDock session={session} />}
      <PaneBar hasSelection={hasSelection} isFile={session.file !== null} />
    </div>
  )
}

/** On a phone: the pane that is seen. From a file nothing is published. */
function usePane(isFile: boolean): Pane {
  const pane = useStore(app, (state) => state.pane)
  return isFile && pane === 'publish' ? 'messages' : pane
}

/** On a phone: which of the panes is seen. */
function PaneBar({ hasSelection, isFile }: { hasSelection: boolean; isFile: boolean }) {
  const t = useText()
  const pane = usePane(isFile)
  const panes: [Pane, string, IconName][] = [
    ['topics', t.topics, 'tree'],
    ['messages', t.messages, 'table'],
    ['detail', t.detail, 'info'],
    ['publish', t.publish, 'send'],
  ]
  return (
    <nav className="pane-bar" aria-label={t.panes}>
      {panes.map(([name, label, icon]) => (
        <button
          key={name}
          type="button"
          aria-current={pane === name ? 'page' : undefined}
          disabled={(name === 'detail' && !hasSelection) || (name === 'publish' && isFile)}
          onClick={() => app.set({ pane: name })}
        >
          <Icon name={icon} size={18} />
          <span>{label}</span>
        </button>
      ))}
    </nav>
  )
}
