/** Messages as a dense table, the default. */
import { useCallback, useMemo, useState, type KeyboardEvent } from 'react'
import { marksOf } from '../capture/query.ts'
import type { Row } from '../model/message.ts'
import { app, putSettings } from '../state/app-state.ts'
import { bytesText, clockText, deltaText } from '../ui/format.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useLanguage, useText } from '../ui/text.ts'
import { isPhone, useRowHeight } from '../ui/media.ts'
import { Marked } from '../ui/marked.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import { EmptyMessages } from './empty-messages.tsx'

/** Opens a message; on a phone that is another pane. */
export function openMessage(session: SessionHandle, seq: number): void {
  session.select({ seq })
  if (isPhone()) app.set({ pane: 'detail' })
}

/** The place that keys have moved to; a list that is only looked at is never moved. */
type Reveal = { readonly place: number } | null

/** Keys that walk the list from the selected message. */
function useWalk(session: SessionHandle, selected: number | null) {
  const [reveal, setReveal] = useState<Reveal>(null)
  const walk = async (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: 20, PageUp: -20 }[event.key]
    if (step === undefined || selected === null) return
    event.preventDefault()
    const to = await session.ask('neighbour', { seq: selected, step })
    if (to === null) return
    session.show({ follow: false })
    session.select({ seq: to.seq })
    setReveal({ place: to.place })
  }
  return { reveal, walk }
}

/** Asks for the rows that are on screen. */
export function useListWindow(session: SessionHandle) {
  return useCallback(
    (from: number, count: number, top: number) => {
      const { request } = session.store.get()
      if (request.from !== from || request.count !== count || request.top !== top)
        session.show({ from, count, top })
    },
    [session],
  )
}

export function MessageTable({ session }: { session: SessionHandle }) {
  const t = useText()
  const rowHeight = useRowHeight()
  const view = useStore(session.store, (state) => state.view)
  const follow = useStore(session.store, ({ request }) => request.follow)
  const query = useStore(session.store, ({ request }) => request.query)
  const selection = useStore(session.store, (state) => state.selection)
  const selected = selection !== null && 'seq' in selection ? selection.seq : null
  const onWindow = useListWindow(session)
  const { reveal, walk } = useWalk(session, selected)
  const marks = useMemo(() => marksOf(query), [query])
  const rows = new Map(view.rows.map((row) => [row.index, row]))
  if (view.mode !== 'stream') return null
  if (view.next === view.first) return <EmptyMessages session={session} />
  return (
    <VirtualList
      role="grid"
      label={t.messages}
      className="message-table"
      first={view.first}
      next={view.next}
      rowHeight={rowHeight}
      follow={follow}
      onFollow={(at) => session.show({ follow: at })}
      onWindow={onWindow}
      onKeyDown={(event) => void walk(event)}
      reveal={reveal}
      header={<TableHead />}
      row={(place) => {
        const row = rows.get(place)
        if (row === undefined)
          return <div key={place} role="presentation" style={{ height: rowHeight }} />
        return (
          <MessageRow
            key={place}
            row={row}
            rowIndex={place - view.first + 1}
            height={rowHeight}
            isSelected={row.seq === selected}
            marks={marks}
            onOpen={() => openMessage(session, row.seq)}
          />
        )
      }}
    />
  )
}

function TableHead() {
  const t = useText()
  const times = useStore(app, ({ settings }) => settings.times)
  return (
    <div className="message-row is-head" role="row">
      <span role="columnheader">
        <button
          type="button"
          className="plain"
          title={t.labelled(t.timesInLists, t.timeKinds[times])}
          onClick={() => putSettings({ times: times === 'clock' ? 'delta' : 'clock' })}
        >
          {times === 'clock' ? t.time : 'Δ'}
        </button>
      </span>
      <span role="columnheader">
        <span className="visually-hidden">{t.direction}</span>
      </span>
      <span role="columnheader">{t.topic}</span>
      <span role="columnheader">QoS</span>
      <span role="columnheader" className="size">
        {t.size}
      </span>
      <span role="columnheader">{t.payload}</span>
    </div>
  )
}

interface RowProps {
  row: Row
  rowIndex: number
  height: number
  isSelected: boolean
  marks: readonly string[]
  onOpen: () => void
}

function MessageRow({ row, rowIndex, height, isSelected, marks, onOpen }: RowProps) {
  const t = useText()
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the grid handles keys
    <div
      role="row"
      aria-rowindex={rowIndex}
      aria-selected={isSelected}
      className={`message-row is-${row.direction} ${isSelected ? 'is-selected' : ''} ${row.refused ? 'is-refused' : ''}`}
      data-seq={row.seq}
      style={{ height }}
      onClick={onOpen}
    >
      <span role="gridcell" className="time">
        <Swatches colours={row.colours} />
        <RowTime row={row} />
      </span>
      <span
        role="gridcell"
        className="arrow"
        title={row.direction === 'in' ? t.received : t.published}
      >
        {row.direction === 'in' ? '↓' : '↑'}
        <span className="visually-hidden">{row.direction === 'in' ? t.received : t.published}</span>
      </span>
      <span role="gridcell" className="topic" title={row.topic}>
        <TopicText topic={row.topic} marks={marks} />
      </span>
      <span role="gridcell" className="flags">
        {row.qos}
        {row.retain && (
          <abbr className="chip is-tiny" title={t.retained}>
            R
          </abbr>
        )}
        {row.dup && (
          <abbr className="chip is-tiny" title={t.sentAgain}>
            D
          </abbr>
        )}
      </span>
      <span role="gridcell" className="size">
        {bytesText(row.size)}
      </span>
      <span role="gridcell" className="preview">
        {row.refused && <span className="chip is-tiny is-bad">{t.refusedChip}</span>}{' '}
        {row.size === 0 ? <i>{t.emptyPayload}</i> : <Marked text={row.preview} marks={marks} />}
      </span>
    </div>
  )
}

/** The time of day, or how long after the row above. */
function RowTime({ row }: { row: Row }) {
  const times = useStore(app, ({ settings }) => settings.times)
  const language = useLanguage()
  if (times === 'clock') return clockText(row.timeMs)
  return row.sinceMs === null ? '–' : deltaText(row.sinceMs, language)
}

/** The colours of the subscriptions a message belongs to, at the row's edge. */
export function Swatches({ colours }: { colours: readonly number[] }) {
  return (
    <span className="swatches" aria-hidden="true">
      {colours.slice(0, 3).map((colour, at) => (
        // oxlint-disable-next-line react/no-array-index-key -- two subscriptions may share a colour
        <i key={at} className={`colour-${colour}`} />
      ))}
    </span>
  )
}

/** The end of a topic says most, so it is the beginning that gets cut. */
export function TopicText({ topic, marks = [] }: { topic: string; marks?: readonly string[] }) {
  const cut = topic.lastIndexOf('/')
  if (cut <= 0)
    return (
      <b>
        <Marked text={topic} marks={marks} />
      </b>
    )
  return (
    <>
      <span className="topic-head">
        <Marked text={topic.slice(0, cut + 1)} marks={marks} />
      </span>
      <b>
        <Marked text={topic.slice(cut + 1)} marks={marks} />
      </b>
    </>
  )
}
