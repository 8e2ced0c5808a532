/** Rows that are put into another order by dragging, or with Alt and the arrows. */
import { useRef, type DragEvent, type KeyboardEvent } from 'react'

export interface DragProps {
  readonly draggable: true
  readonly onDragStart: (event: DragEvent<HTMLElement>) => void
  readonly onDragEnd: () => void
  readonly onDragOver: (event: DragEvent<HTMLElement>) => void
  readonly onDrop: (event: DragEvent<HTMLElement>) => void
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
}

/** Of what the browser drags; the types of programs without a page have nothing in theirs. */
interface Transfer {
  setData(kind: string, text: string): void
}

/** `id` moves by so many places, or to where `to` is. */
type Move = (id: string, where: { readonly to: string } | { readonly by: -1 | 1 }) => void

/** The result gives the properties of a row. */
export function useDragOrder(move: Move): (id: string) => DragProps {
  const dragged = useRef<string | null>(null)
  return (id) => ({
    draggable: true,
    onDragStart({ dataTransfer }) {
      dragged.current = id
      // Without any data some browsers drag nothing; of this kind no field takes it.
      const transfer = dataTransfer as unknown as Transfer
      transfer.setData('application/x-mozzie-row', id)
    },
    onDragEnd() {
      dragged.current = null
    },
    onDragOver(event) {
      if (dragged.current !== null) event.preventDefault()
    },
    onDrop(event) {
      event.preventDefault()
      if (dragged.current !== null && dragged.current !== id) move(dragged.current, { to: id })
      dragged.current = null
    },
    onKeyDown(event) {
      const by = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : undefined
      if (!event.altKey || by === undefined) return
      event.preventDefault()
      move(id, { by })
    },
  })
}

/** The list with that item elsewhere. */
export function moved<T extends { readonly id: string }>(
  list: readonly T[],
  id: string,
  where: Parameters<Move>[1],
): T[] {
  const from = list.findIndex((item) => item.id === id)
  const to = 'by' in where ? from + where.by : list.findIndex((item) => item.id === where.to)
  const item = list[from]
  if (item === undefined || to < 0 || to >= list.length) return [...list]
  const others = list.filter((other) => other.id !== id)
  return [...others.slice(0, to), item, ...others.slice(to)]
}
