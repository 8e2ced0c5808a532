/** The last value of each topic. */
import { TREE_SORTS, type LatestRow, type TreeSort } from '../protocol/protocol.ts'
import { app } from '../state/app-state.ts'
import { bytesText, clockText, shortCount } from '../ui/format.ts'
import { Select } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { isPhone, useRowHeight } from '../ui/media.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { EmptyMessages } from './empty-messages.tsx'
import { Swatches, TopicText, useListWindow } from './message-table.tsx'

export function LatestTable({ session }: { session: SessionHandle }) {
  const t = useText()
  const rowHeight = useRowHeight()
  const view = useStore(session.store, (state) => state.view)
  const selection = useStore(session.store, (state) => state.selection)
  const selected = selection !== null && 'topic' in selection ? selection.topic : null
  const onWindow = useListWindow(session)
  if (view.mode !== 'latest') return null
  if (view.next === 0) return <EmptyMessages session={session} />
  const rows = new Map(view.latest.map((row) => [row.index, row]))
  const open = (topic: string) => {
    session.select({ topic })
    if (isPhone()) app.set({ pane: 'detail' })
  }
  return (
    <div
      className="latest-view"
      onPointerEnter={() => session.show({ held: true })}
      onPointerLeave={() => session.show({ held: false })}
    >
      <VirtualList
        role="grid"
        label={t.views.latest}
        className="message-table latest-table"
        first={0}
        next={view.next}
        rowHeight={rowHeight}
        follow={false}
        onWindow={onWindow}
        header={<LatestHead session={session} />}
        row={(place) => {
          const row = rows.get(place)
          if (row === undefined)
            return <div key={place} role="presentation" style={{ height: rowHeight }} />
          return (
            <Row
              key={row.topic}
              row={row}
              height={rowHeight}
              isSelected={row.topic === selected}
              onOpen={() => open(row.topic)}
            />
          )
        }}
      />
    </div>
  )
}

function LatestHead({ session }: { session: SessionHandle }) {
  const t = useText()
  const { latestSort } = useStore(session.store, (state) => state.request)
  return (
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
      <span role="columnheader">{t.messageCount}</span>
      <span role="columnheader" className="size">
        {t.size}
      </span>
      <span role="columnheader">{t.lastValue}</span>
    </div>
  )
}

interface RowProps {
  row: LatestRow
  height: number
  isSelected: boolean
  onOpen: () => void
}

function Row({ row, height, isSelected, onOpen }: RowProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the button inside takes keys
    <div
      role="row"
      aria-selected={isSelected}
      className={`message-row ${isSelected ? 'is-selected' : ''}`}
      style={{ height }}
      onClick={onOpen}
    >
      <span role="gridcell" className="time">
        <Swatches colours={row.colours} />
        {clockText(row.lastMs)}
      </span>
      <span role="gridcell" className="topic" title={row.topic}>
        <button type="button" className="plain" onClick={onOpen}>
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
}
