/** The last value of each topic as a table: a column for each JSON path, sorted and narrowed as one likes. */
import { useEffect, useId, useState, type CSSProperties, type FormEvent } from 'react'
import { stepsOf } from '../decode/values.ts'
import { LAST_SEEN, type LatestRow, type Pivot } from '../protocol/protocol.ts'
import { app } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { download } from '../ui/files.ts'
import { clockText, countText, dateTimeText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { isPhone } from '../ui/media.ts'
import { IconButton } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { EmptyMessages } from './empty-messages.tsx'
import { Swatches, TopicText, useListWindow } from './message-table.tsx'

/** Pixels; a table is no list of messages, so on a phone too. */
const ROW_HEIGHT = 30
/** Columns that are there before anybody has chosen some. */
const COLUMNS_FIRST = 6

function usePivot(session: SessionHandle) {
  const pivot = useStore(session.store, ({ request }) => request.pivot)
  const put = (patch: Partial<Pivot>) => {
    const now = session.store.get().request.pivot
    if (now !== null) session.show({ pivot: { ...now, ...patch }, from: 0 })
  }
  return { pivot, put }
}

export function PivotTable({ session }: { session: SessionHandle }) {
  const t = useText()
  const view = useStore(session.store, (state) => state.view)
  const { pivot, put } = usePivot(session)
  const onWindow = useListWindow(session)
  const columns = pivot?.columns ?? []
  const rows = new Map(view.latest.map((row) => [row.index, row]))
  if (view.mode !== 'latest' || pivot === null) return null
  const open = (topic: string) => {
    session.select({ topic })
    if (isPhone()) app.set({ pane: 'detail' })
  }
  return (
    <div
      className="pivot"
      style={{ '--columns': Math.max(1, columns.length) } as CSSProperties}
      onPointerEnter={() => session.show({ held: true })}
      onPointerLeave={() => session.show({ held: false })}
    >
      <PivotTools session={session} pivot={pivot} put={put} />
      {view.next === 0 ? (
        <EmptyMessages session={session} />
      ) : (
        <VirtualList
          role="grid"
          label={t.views.pivot}
          className="pivot-table"
          first={0}
          next={view.next}
          rowHeight={ROW_HEIGHT}
          follow={false}
          onWindow={onWindow}
          header={<PivotHead pivot={pivot} put={put} />}
          row={(place) => {
            const row = rows.get(place)
            if (row === undefined)
              return <div key={place} role="presentation" style={{ height: ROW_HEIGHT }} />
            return <PivotRow key={row.topic} row={row} height={ROW_HEIGHT} onOpen={open} />
          }}
        />
      )}
    </div>
  )
}

interface ToolsProps {
  session: SessionHandle
  pivot: Pivot
  put: (patch: Partial<Pivot>) => void
}

/** Paths that the messages have; the first ones become columns by themselves. */
function usePaths(session: SessionHandle, pivot: Pivot, put: ToolsProps['put']): string[] {
  const topics = useStore(session.store, ({ view }) => view.next)
  const [paths, setPaths] = useState<string[]>([])
  const isEmpty = pivot.columns.length === 0
  useEffect(() => {
    let isStale = false
    session.ask('paths', null).then(
      (found) => {
        if (isStale) return
        setPaths(found)
        if (isEmpty && found.length > 0) put({ columns: found.slice(0, COLUMNS_FIRST) })
      },
      () => {},
    )
    return () => {
      isStale = true
    }
    // oxlint-disable-next-line react/exhaustive-deps -- asked anew when there are other topics
  }, [session, topics, isEmpty])
  return paths
}

function PivotTools({ session, pivot, put }: ToolsProps) {
  const t = useText()
  const listId = useId()
  const paths = usePaths(session, pivot, put)
  const [path, setPath] = useState('')
  const count = useStore(session.store, ({ view }) => view.next)
  const problem = useStore(session.store, ({ view }) => view.whereProblem)
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (stepsOf(path) === null || pivot.columns.includes(path)) return
    put({ columns: [...pivot.columns, path] })
    setPath('')
  }
  const left = paths.filter((known) => !pivot.columns.includes(known))
  const save = async () => download('table.csv', await session.ask('exportPivot', null))
  return (
    <div className="pivot-tools">
      <input
        type="search"
        className="mono"
        aria-label={t.condition}
        placeholder={t.conditionPlaceholder}
        value={pivot.where}
        aria-invalid={problem !== null}
        onChange={(event) => put({ where: event.target.value })}
      />
      {problem !== null && <span className="problem">{t.badQuery(problem)}</span>}
      <form onSubmit={add}>
        <input
          className="mono"
          aria-label={t.addColumn}
          placeholder="$.battery"
          list={listId}
          value={path}
          onChange={(event) => setPath(event.target.value)}
        />
        <datalist id={listId}>
          {paths.map((known) => (
            <option key={known} value={known} />
          ))}
        </datalist>
        <button type="submit" className="button" disabled={path === '' || stepsOf(path) === null}>
          <Icon name="plus" size={14} /> {t.addColumn}
        </button>
        {left.length > 0 && (
          <button
            type="button"
            className="button"
            onClick={() => put({ columns: [...pivot.columns, ...left] })}
          >
            {t.addColumns(left.length)}
          </button>
        )}
      </form>
      <span className="is-quiet" role="status">
        {t.rowsOf(countText(count))}
      </span>
      <IconButton icon="download" label={t.exportTable} onClick={() => void save()} />
    </div>
  )
}

function PivotHead({ pivot, put }: Omit<ToolsProps, 'session'>) {
  const t = useText()
  const sortBy = (sort: string) =>
    put({ sort, descending: pivot.sort === sort && !pivot.descending })
  const head = (sort: string, name: string) => (
    <button type="button" className="plain" onClick={() => sortBy(sort)}>
      <span className="name">{name}</span>
      {pivot.sort === sort && (pivot.descending ? ' ↓' : ' ↑')}
    </button>
  )
  const direction = (sort: string) =>
    pivot.sort === sort ? (pivot.descending ? 'descending' : 'ascending') : undefined
  return (
    <div className="pivot-row is-head" role="row">
      <span role="columnheader" aria-sort={direction('')}>
        {head('', t.topic)}
      </span>
      <span role="columnheader" aria-sort={direction(LAST_SEEN)}>
        {head(LAST_SEEN, t.lastSeen)}
      </span>
      {pivot.columns.map((path) => (
        <span key={path} role="columnheader" className="column" aria-sort={direction(path)}>
          {head(path, path.replace(/^\$\.(?=.)/, ''))}
          <IconButton
            icon="close"
            label={t.removeColumn(path)}
            onClick={() => put({ columns: pivot.columns.filter((other) => other !== path) })}
          />
        </span>
      ))}
    </div>
  )
}

interface RowProps {
  row: LatestRow
  height: number
  onOpen: (topic: string) => void
}

const isToday = (ms: number): boolean => new Date(ms).toDateString() === new Date().toDateString()
/** `2026-03-01`: of another day the day says more than the time. */
const dayText = (ms: number): string => dateTimeText(ms).slice(0, 10)

function PivotRow({ row, height, onOpen }: RowProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the button inside takes keys
    <div role="row" className="pivot-row" style={{ height }} onClick={() => onOpen(row.topic)}>
      <span role="gridcell" className="topic" title={row.topic}>
        <Swatches colours={row.colours} />
        <button type="button" className="plain" onClick={() => onOpen(row.topic)}>
          <TopicText topic={row.topic} />
        </button>
      </span>
      <span role="gridcell" className="time" title={dateTimeText(row.lastMs)}>
        {isToday(row.lastMs) ? clockText(row.lastMs).slice(0, 8) : dayText(row.lastMs)}
      </span>
      {row.cells.map((cell, at) => (
        // oxlint-disable-next-line react/no-array-index-key -- cells have no identity but their column
        <span key={at} role="gridcell" className="cell mono" title={cell}>
          {cell}
        </span>
      ))}
    </div>
  )
}
