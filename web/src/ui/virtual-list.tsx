/** A list of rows of one height, of which only those on screen exist. */
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type UIEvent,
} from 'react'
import {
  followsAfter,
  heightOf,
  scrollTopAfter,
  scrollTopToSee,
  startOf,
  topOf,
  windowOf,
  type ListShape,
} from './list-places.ts'

interface VirtualListProps extends ListShape {
  /** Stay at the end. */
  follow: boolean
  /** The person moved away from the end, or back to it. */
  onFollow?: (follow: boolean) => void
  /** Which places should exist, and which of them is the uppermost on screen. */
  onWindow: (from: number, count: number, top: number) => void
  onKeyDown?: (event: KeyboardEvent<HTMLDivElement>) => void
  role: 'grid' | 'tree' | 'log'
  label: string
  className?: string
  header?: ReactNode
  /** The row at a place. */
  row: (place: number) => ReactNode
  /** Scroll so that this place is seen; another object, another order. */
  reveal?: { readonly place: number } | null
}

/** Scroll position and place of a list's element; what the list does, the reader does not notice. */
function usePosition({
  first,
  next,
  rowHeight,
  follow,
  onFollow,
  reveal = null,
}: VirtualListProps) {
  const shape = { first, next, rowHeight }
  const scroller = useRef<HTMLDivElement>(null)
  const [screenPx, setScreenPx] = useState(600)
  const [top, setTop] = useState(first)
  const start = startOf(shape)
  const total = heightOf(shape)
  const before = useRef({ start, rowHeight, scrollTop: 0 })

  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const observer = new ResizeObserver(() => setScreenPx(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    // Where rows have shrunk the browser has already moved up to what is left of the list.
    const isTurned = rowHeight !== before.current.rowHeight
    const { scrollTop } = isTurned ? before.current : element
    element.scrollTop = follow ? total : scrollTopAfter(shape, before.current, scrollTop)
    before.current = { start, rowHeight, scrollTop: element.scrollTop }
    if (isTurned) setTop(topOf(shape, element.scrollTop))
    // oxlint-disable-next-line react/exhaustive-deps -- `shape` is what these are made of
  }, [follow, total, start, rowHeight, screenPx])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null || reveal === null) return
    const { scrollTop, clientHeight } = element
    element.scrollTop = scrollTopToSee(shape, reveal.place, scrollTop, clientHeight)
    // oxlint-disable-next-line react/exhaustive-deps -- only a new order moves the list
  }, [reveal])

  const onScroll = ({ currentTarget }: UIEvent<HTMLDivElement>) => {
    const { scrollTop, clientHeight, scrollHeight } = currentTarget
    const moved = scrollTop - before.current.scrollTop
    before.current.scrollTop = scrollTop
    setTop(topOf(shape, scrollTop))
    const follows = followsAfter(follow, moved, scrollHeight - clientHeight - scrollTop)
    if (follows !== follow) onFollow?.(follows)
  }
  return { scroller, screenPx, top, onScroll }
}

export function VirtualList(props: VirtualListProps) {
  const { first, next, rowHeight, follow, onWindow, row } = props
  const shape = { first, next, rowHeight }
  const { scroller, screenPx, top, onScroll } = usePosition(props)
  const start = startOf(shape)
  const { from, count } = windowOf(shape, follow, top, screenPx)
  const topPlace = Math.floor(top)
  useEffect(() => onWindow(from, count, topPlace), [from, count, topPlace, onWindow])
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
      onScroll={onScroll}
    >
      {props.header}
      <div role="presentation" style={{ height: heightOf(shape), position: 'relative' }}>
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
