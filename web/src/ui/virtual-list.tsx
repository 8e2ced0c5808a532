/**
 * A list of rows of one height, of which only those on screen exist. Rows have ever growing places, so what one
 * looks at stays where it is while older rows leave and newer ones come.
 */
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from 'react'

interface VirtualListProps {
  /** Place of the first row that exists, and the one after the last. */
  first: number
  next: number
  rowHeight: number
  /** Stay at the end. */
  follow: boolean
  /** The person moved away from the end, or back to it. */
  onFollow?: (follow: boolean) => void
  /** Which places are on screen. */
  onWindow: (from: number, count: number) => void
  onKeyDown?: (event: KeyboardEvent<HTMLDivElement>) => void
  role: 'grid' | 'tree' | 'log'
  label: string
  className?: string
  header?: ReactNode
  /** The row at a place; null: it is on its way. */
  row: (place: number) => ReactNode
  /** Scroll so that this place is seen. */
  reveal?: number | null
}

const SPARE_ROWS = 8
const HEIGHT_MAX = 8_000_000

export function VirtualList(props: VirtualListProps) {
  const { first, next, rowHeight, follow, onFollow, onWindow, row, reveal = null } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [height, setHeight] = useState(600)
  const [top, setTop] = useState(0)
  const before = useRef(first)
  // Beyond what browsers can scroll exactly, only the newest rows are reachable by scrolling.
  const start = Math.max(first, next - Math.floor(HEIGHT_MAX / rowHeight))
  const total = (next - start) * rowHeight

  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const left = start - before.current
    before.current = start
    if (follow) element.scrollTop = total
    else if (left > 0) element.scrollTop -= left * rowHeight
  }, [follow, total, start, rowHeight])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null || reveal === null) return
    const at = (reveal - start) * rowHeight
    if (at < element.scrollTop) element.scrollTop = at
    else if (at + 2 * rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = at + 2 * rowHeight - element.clientHeight
    }
    // Only a new place to reveal moves the list.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [reveal])

  const shown = Math.ceil(height / rowHeight)
  const from = follow
    ? Math.max(start, next - shown - SPARE_ROWS)
    : Math.max(start, start + Math.floor(top / rowHeight) - SPARE_ROWS)
  const count = shown + 2 * SPARE_ROWS
  useEffect(() => onWindow(from, count), [from, count, onWindow])

  const places = Array.from(
    { length: Math.max(0, Math.min(count, next - from)) },
    (_, at) => from + at,
  )
  return (
    <div
      ref={scroller}
      className={`virtual-list ${props.className ?? ''}`}
      role={props.role}
      aria-label={props.label}
      aria-rowcount={props.role === 'grid' ? next - start : undefined}
      tabIndex={0}
      onKeyDown={props.onKeyDown}
      onScroll={(event) => {
        const element = event.currentTarget
        setTop(element.scrollTop)
        const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - rowHeight
        if (atEnd !== follow) onFollow?.(atEnd)
      }}
    >
      {props.header}
      <div role="presentation" style={{ height: total, position: 'relative' }}>
        <div
          role="presentation"
          style={{ transform: `translateY(${(from - start) * rowHeight}px)` }}
        >
          {places.map(row)}
        </div>
      </div>
    </div>
  )
}
