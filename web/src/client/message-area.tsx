/** The centre: the toolbar, and the messages in one of four ways. */
import { useEffect, useState } from 'react'
import type { Direction } from '../model/message.ts'
import { app, profileOf } from '../state/app-state.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton, Select, Tabs } from '../ui/parts.tsx'
import type { SessionHandle, ViewMode } from '../state/session-handle.ts'
import { later } from '../ui/later.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { Bubbles } from './bubbles.tsx'
import { LoginStrip } from './empty-messages.tsx'
import { LatestTable } from './latest-table.tsx'
import { MessageTable } from './message-table.tsx'

const ChartView = later(async () => (await import('./chart-view.tsx')).ChartView)
const PivotTable = later(async () => (await import('./pivot-table.tsx')).PivotTable)

const SEARCH_DELAY_MS = 150

export function MessageArea({ session }: { session: SessionHandle }) {
  const t = useText()
  const mode = useStore(session.store, (state) => state.mode)
  return (
    <section className="pane message-area" aria-label={t.messages}>
      <Toolbar session={session} />
      <FilterChips session={session} />
      <LoginStrip session={session} />
      {mode === 'table' && <MessageTable session={session} />}
      {mode === 'bubbles' && <Bubbles session={session} />}
      {mode === 'latest' && <LatestTable session={session} />}
      {mode === 'pivot' && <PivotTable session={session} />}
      {mode === 'chart' && <ChartView session={session} />}
      <HeldNote session={session} />
    </section>
  )
}

function Toolbar({ session }: { session: SessionHandle }) {
  const t = useText()
  const mode = useStore(session.store, (state) => state.mode)
  const { direction, paused } = useStore(session.store, (state) => state.request)
  return (
    <div className="toolbar" role="toolbar" aria-label={t.messageTools}>
      <SearchBox session={session} />
      <Select
        quiet
        className="direction"
        label={t.direction}
        value={direction ?? 'all'}
        options={[
          ['all', t.all],
          ['in', `↓ ${t.received}`],
          ['out', `↑ ${t.published}`],
        ]}
        onChange={(value: Direction | 'all') =>
          session.show({ direction: value === 'all' ? null : value })
        }
      />
      <Tabs<ViewMode>
        label={t.view}
        className="view-tabs"
        compact
        value={mode}
        tabs={[
          ['table', t.views.table, 'table'],
          ['bubbles', t.views.bubbles, 'bubbles'],
          ['latest', t.views.latest, 'latest'],
          ['pivot', t.views.pivot, 'pivot'],
          ['chart', t.views.chart, 'chart'],
        ]}
        onChange={(next) => session.setMode(next)}
      />
      <IconButton
        icon={paused ? 'play' : 'pause'}
        label={paused ? t.resume : t.pause}
        pressed={paused}
        className={paused ? 'is-on' : ''}
        onClick={() => session.show({ paused: !paused, follow: true })}
      />
      <IconButton
        icon="transfer"
        label={t.transfer}
        onClick={() => app.set({ dialog: { kind: 'transfer' } })}
      />
      <IconButton
        icon="trash"
        label={t.clearMessages}
        onClick={() => {
          session.send({ kind: 'clear' })
          session.select(null)
        }}
      />
    </div>
  )
}

function SearchBox({ session }: { session: SessionHandle }) {
  const t = useText()
  const problem = useStore(session.store, ({ view }) => view.queryProblem)
  const query = useStore(session.store, ({ request }) => request.query)
  const hits = useStore(session.store, ({ view }) => view.next - view.first)
  const [text, setText] = useState(query)
  useEffect(() => setText(query), [query])
  useEffect(() => {
    if (text === session.store.get().request.query) return
    const timer = setTimeout(
      () => session.show({ query: text, follow: true, from: 0 }),
      SEARCH_DELAY_MS,
    )
    return () => clearTimeout(timer)
  }, [text, session])
  return (
    <div className={`search ${problem === null ? '' : 'is-invalid'}`}>
      <Icon name="search" size={14} />
      <input
        type="search"
        data-search
        aria-label={t.searchMessages}
        title={t.searchHelp}
        placeholder={t.searchPlaceholder}
        value={text}
        aria-invalid={problem !== null}
        onChange={(event) => setText(event.target.value)}
      />
      {problem !== null && (
        <span className="problem" title={t.badQuery(problem)}>
          {t.badQuery(problem)}
        </span>
      )}
      {problem === null && query !== '' && (
        <span className="is-quiet hits" role="status">
          {t.hits(countText(hits))}
        </span>
      )}
    </div>
  )
}

/** Which subscriptions the list is narrowed to. */
function FilterChips({ session }: { session: SessionHandle }) {
  const t = useText()
  const chosen = useStore(session.store, ({ request }) => request.subscriptions)
  const profile = useStore(app, () => profileOf(session.id))
  if (chosen.length === 0) return null
  const remove = (id: string) =>
    session.show({ subscriptions: chosen.filter((other) => other !== id) })
  return (
    <div className="filter-chips">
      {profile?.subscriptions
        .filter(({ id }) => chosen.includes(id))
        .map(({ id, filter, alias, colour }) => (
          <button
            key={id}
            type="button"
            className="chip"
            onClick={() => remove(id)}
            aria-label={t.labelled(t.remove, alias || filter)}
          >
            <span className={`swatch colour-${colour}`} aria-hidden="true" />
            <span className="mono">{alias || filter}</span> <Icon name="close" size={12} />
          </button>
        ))}
    </div>
  )
}

/** What is newer than what is shown. */
function HeldNote({ session }: { session: SessionHandle }) {
  const t = useText()
  const { follow, paused } = useStore(session.store, (state) => state.request)
  const newer = useStore(session.store, (state) => state.view.newer)
  const mode = useStore(session.store, (state) => state.mode)
  if (mode === 'latest' || mode === 'pivot' || mode === 'chart' || (follow && !paused)) return null
  return (
    <button
      type="button"
      className="held-note"
      onClick={() => session.show({ paused: false, follow: true })}
    >
      <Icon name={paused ? 'play' : 'down'} size={14} />
      {paused
        ? t.pausedNew(countText(newer))
        : newer > 0
          ? t.newMessages(countText(newer))
          : t.toNewest}
    </button>
  )
}
