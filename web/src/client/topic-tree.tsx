/** The topics as a tree with their last values. Arrows walk it, Enter opens, Delete offers to clear. */
import { useCallback, useEffect, useState, type KeyboardEvent } from 'react'
import { TREE_SORTS, type TreeSort } from '../protocol/protocol.ts'
import type { TreeLine } from '../protocol/protocol.ts'
import { app } from '../state/app-state.ts'
import { countText, shortCount } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton, Select } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { isPhone } from '../ui/media.ts'
import { VirtualList } from '../ui/virtual-list.tsx'

const ROW_HEIGHT = 26
/** A topic is active for so long after a message. */
const ACTIVE_MS = 600

function selectLine(session: SessionHandle, line: TreeLine): void {
  session.select({ topic: line.path })
  const { draft, topicTyped } = session.store.get()
  if (!topicTyped) session.store.set({ draft: { ...draft, topic: line.path } })
  if (isPhone() && line.value !== null) app.set({ pane: 'detail' })
}

/** What a key does on the selected line; false: nothing. */
function walkTree(
  session: SessionHandle,
  lines: readonly TreeLine[],
  selected: string | null,
  key: string,
): boolean {
  const at = lines.findIndex(({ path }) => path === selected)
  const line = lines[at]
  const step = { ArrowDown: 1, ArrowUp: -1 }[key]
  const to = step === undefined ? undefined : lines[at + step]
  if (to !== undefined) {
    selectLine(session, to)
    return true
  }
  if (line === undefined) return false
  const { path, expanded, hasChildren } = line
  const unfold = { ArrowRight: true, ArrowLeft: false, Enter: !expanded }[key]
  if (unfold !== undefined) session.send({ kind: 'expand', path, expanded: unfold })
  else if (key === 'Delete')
    app.set({ dialog: { kind: 'retained', filter: hasChildren ? `${path}/#` : path } })
  else return false
  return true
}

export function TopicTree({ session }: { session: SessionHandle }) {
  const t = useText()
  const tree = useStore(session.store, (state) => state.tree)
  const selection = useStore(session.store, (state) => state.selection)
  const [sort, setSort] = useState<TreeSort>('name')
  const [filter, setFilter] = useState('')
  const [range, setRange] = useState({ from: 0, count: 60 })
  const [isHeld, setHeld] = useState(false)
  const selected = selection !== null && 'topic' in selection ? selection.topic : null

  useEffect(() => {
    session.send({ kind: 'tree', tree: { sort, filter, held: isHeld, ...range } })
  }, [session, sort, filter, range, isHeld])
  useEffect(() => () => session.send({ kind: 'tree', tree: null }), [session])

  const onWindow = useCallback((from: number, count: number) => setRange({ from, count }), [])
  const select = (line: TreeLine) => selectLine(session, line)
  const expand = (path: string, expanded: boolean) =>
    session.send({ kind: 'expand', path, expanded })
  const onKeyDown = (event: KeyboardEvent) => {
    if (walkTree(session, tree.lines, selected, event.key)) event.preventDefault()
  }
  const lines = new Map(tree.lines.map((line, at) => [tree.from + at, line]))
  return (
    <div
      className="topic-tree"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
    >
      <TreeTools
        session={session}
        filter={filter}
        onFilter={setFilter}
        sort={sort}
        onSort={setSort}
      />
      {tree.total === 0 && <p className="empty">{t.noTopics}</p>}
      <VirtualList
        role="tree"
        label={t.topics}
        className="tree-list"
        first={0}
        next={tree.total}
        rowHeight={ROW_HEIGHT}
        follow={false}
        onWindow={onWindow}
        onKeyDown={onKeyDown}
        row={(place) => {
          const line = lines.get(place)
          if (line === undefined) return <div key={place} style={{ height: ROW_HEIGHT }} />
          return (
            <TreeRow
              key={line.path}
              line={line}
              isSelected={line.path === selected}
              onSelect={() => select(line)}
              onExpand={() => expand(line.path, !line.expanded)}
            />
          )
        }}
      />
    </div>
  )
}

interface TreeToolsProps {
  session: SessionHandle
  filter: string
  onFilter: (filter: string) => void
  sort: TreeSort
  onSort: (sort: TreeSort) => void
}

function TreeTools({ session, filter, onFilter, sort, onSort }: TreeToolsProps) {
  const t = useText()
  const isOpen = useStore(session.store, ({ tree }) => tree.lines.some(({ expanded }) => expanded))
  return (
    <div className="pane-tools">
      <input
        type="search"
        aria-label={t.filterTopics}
        placeholder={t.filterTopics}
        value={filter}
        onChange={(event) => onFilter(event.target.value)}
      />
      <Select<TreeSort>
        quiet
        label={t.sortBy}
        value={sort}
        options={TREE_SORTS.map((name) => [name, t.treeSorts[name]])}
        onChange={onSort}
      />
      <IconButton
        icon="expand"
        label={t.expandAll}
        onClick={() => session.send({ kind: 'expandAll', expanded: !isOpen })}
      />
    </div>
  )
}

interface TreeRowProps {
  line: TreeLine
  isSelected: boolean
  onSelect: () => void
  onExpand: () => void
}

function TreeRow({ line, isSelected, onSelect, onExpand }: TreeRowProps) {
  const t = useText()
  const isActive = Date.now() - line.lastMs < ACTIVE_MS
  return (
    <div
      role="treeitem"
      aria-level={line.depth + 1}
      aria-expanded={line.hasChildren ? line.expanded : undefined}
      aria-selected={isSelected}
      tabIndex={-1}
      className={`tree-row ${isSelected ? 'is-selected' : ''} ${isActive ? 'is-active' : ''}`}
      style={{ height: ROW_HEIGHT, paddingInlineStart: 6 + line.depth * 14 }}
      onClick={onSelect}
      onDoubleClick={onExpand}
    >
      <button
        type="button"
        tabIndex={-1}
        aria-hidden="true"
        title={line.expanded ? t.fold : t.unfold}
        className={`twisty ${line.expanded ? 'is-open' : ''}`}
        style={{ visibility: line.hasChildren ? 'visible' : 'hidden' }}
        onClick={(event) => {
          event.stopPropagation()
          onExpand()
        }}
      >
        <Icon name="chevron" size={12} />
      </button>
      <span className="level">{line.level === '' ? '∅' : line.level}</span>
      {line.retained && (
        <span className="chip is-tiny" title={t.retained}>
          R
        </span>
      )}
      {line.value !== null && <span className="value mono">{line.value}</span>}
      {line.hasChildren && (
        <span
          className="count"
          title={t.treeCount(countText(line.topics), countText(line.messages))}
        >
          {shortCount(line.messages)}
        </span>
      )}
    </div>
  )
}
