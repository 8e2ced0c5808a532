/** The last value of each topic. */
import { useCallback } from 'react'
import { TREE_SORTS, type TreeSort } from '../protocol/protocol.ts'
import { app } from '../state/app-state.ts'
import { bytesText, clockText, shortCount } from '../ui/format.ts'
import { Select } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { isPhone, useRowHeight } from '../ui/media.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { EmptyMessages } from './empty-messages.tsx'
import { Swatches, TopicText } from './message-table.tsx'

export function LatestTable({ session }: { session: SessionHandle }) {
  const t = useText()
  const rowHeight = useRowHeight()
  const view = useStore(session.store, (state) => state.view)
  const { latestSort } = useStore(session.store, (state) => state.request)
  const selection = useStore(session.store, (state) => state.selection)
  const selected = selection !== null && 'topic' in selection ? selection.topic : null
  const onWindow = useCallback(
    (from: number, count: number) => {
      const { request } = session.store.get()
      if (request.from !== from || request.count !== count) session.show({ from, count })
    },
    [session],
  )
  if (view.mode === 'latest' && view.next === 0) return <EmptyMessages session={session} />
  const rows = new Map(view.latest.map((row) => [row.index, row]))
  const open = (topic: string) => {
    session.select({ topic })
    if (isPhone()) app.set({ pane: 'detail' })
  }
  return (
    <VirtualList
      role="grid"
      label={t.views.latest}
      className="message-table latest-table"
      first={0}
      next={view.mode === 'latest' ? view.next : 0}
      rowHeight={rowHeight}
      follow={false}
      onWindow={onWindow}
      header={
        <div className="message-row is-head" role="row">
          <span role="columnheader">{t.time}</span>
          <span role="columnheader">
            {t.topic}
            <Select<TreeSort>
              quiet
              label={t.sortBy}
              value={latestSort}
              options={TREE_SORTS.map((name) => [name, t.treeSorts[name]])}
              onChange={(sort) => session.show({ latestSort: sort })}
            />
          </span>
          <span role="columnheader">n</span>
          <span role="columnheader" className="size">
            {t.size}
          </span>
          <span role="columnheader">{t.lastValue}</span>
        </div>
      }
      row={(place) => {
        const row = rows.get(place)
        if (row === undefined)
          return <div key={place} role="presentation" style={{ height: rowHeight }} />
        return (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the button inside takes keys
          <div
            key={row.topic}
            role="row"
            aria-selected={row.topic === selected}
            className={`message-row ${row.topic === selected ? 'is-selected' : ''}`}
            style={{ height: rowHeight }}
            onClick={() => open(row.topic)}
          >
            <span role="gridcell" className="time">
              <Swatches colours={row.colours} />
              {clockText(row.lastMs)}
            </span>
            <span role="gridcell" className="topic" title={row.topic}>
              <button type="button" className="plain" onClick={() => open(row.topic)}>
                <TopicText topic={row.topic} />
              </button>
            </span>
            <span role="gridcell" className="flags">
              {shortCount(row.messages)}
            </span>
            <span role="gridcell" className="size">
              {bytesText(row.size)}
            </span>
            <span role="gridcell" className="preview">
              {row.preview}
            </span>
          </div>
        )
      }}
    />
  )
}
