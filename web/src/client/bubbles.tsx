/** Messages as a conversation: what came on the left, what was sent on the right. */
import { useLayoutEffect, useRef, useEffect } from 'react'
import type { Row } from '../model/message.ts'
import { clockText, bytesText } from '../ui/format.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { EmptyMessages } from './empty-messages.tsx'
import { openMessage, Swatches } from './message-table.tsx'

/** Rows of different heights are kept few; older ones are a button away. */
const PAGE = 100

export function Bubbles({ session }: { session: SessionHandle }) {
  const t = useText()
  const view = useStore(session.store, (state) => state.view)
  const { follow, count } = useStore(session.store, (state) => state.request)
  const selection = useStore(session.store, (state) => state.selection)
  const selected = selection !== null && 'seq' in selection ? selection.seq : null
  const scroller = useRef<HTMLDivElement>(null)
  useEffect(() => session.show({ count: PAGE, follow: true }), [session])
  useLayoutEffect(() => {
    const element = scroller.current
    if (element !== null && follow) element.scrollTop = element.scrollHeight
  }, [view, follow])
  if (view.mode !== 'stream') return null
  if (view.next === view.first) return <EmptyMessages session={session} />
  const oldest = view.rows[0]?.index ?? view.first
  return (
    <div
      className="bubbles"
      ref={scroller}
      role="log"
      aria-live="off"
      aria-label={t.messages}
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget
        const atEnd = scrollTop + clientHeight >= scrollHeight - 40
        if (atEnd !== follow)
          session.show(
            atEnd ? { follow: true, count: PAGE } : { follow: false, from: oldest, top: oldest },
          )
      }}
    >
      {oldest > view.first && (
        <button
          type="button"
          className="button is-small"
          onClick={() =>
            session.show({
              follow: false,
              from: Math.max(view.first, oldest - PAGE),
              count: count + PAGE,
            })
          }
        >
          {t.older}
        </button>
      )}
      {view.rows.map((row) => (
        <Bubble
          key={row.index}
          row={row}
          isSelected={row.seq === selected}
          onOpen={() => openMessage(session, row.seq)}
        />
      ))}
    </div>
  )
}

interface BubbleProps {
  row: Row
  isSelected: boolean
  onOpen: () => void
}

function Bubble({ row, isSelected, onOpen }: BubbleProps) {
  const t = useText()
  return (
    <button
      type="button"
      className={`bubble is-${row.direction} ${isSelected ? 'is-selected' : ''}`}
      onClick={onOpen}
    >
      <Swatches colours={row.colours} />
      <span className="bubble-head">
        <span className="mono">{row.topic}</span>
        <span>QoS {row.qos}</span>
        {row.retain && <span className="chip is-tiny">R</span>}
      </span>
      <span className="bubble-body mono">
        {row.size === 0 ? <i>{t.emptyPayload}</i> : row.preview}
      </span>
      <span className="bubble-foot">
        {clockText(row.timeMs)} · {bytesText(row.size)}
      </span>
    </button>
  )
}
