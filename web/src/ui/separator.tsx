/** A bar between two panes: dragged with a pointer, or moved with the arrow keys. */
import type { KeyboardEvent, PointerEvent } from 'react'

interface SeparatorProps {
  label: string
  className: string
  size: number
  /** 1: the pane is before the bar, so moving right makes it larger; -1: it is behind. */
  direction: 1 | -1
  horizontal?: boolean
  limits: readonly [min: number, max: number]
  onResize: (size: number) => void
}

const STEP = 16

export function Separator({
  label,
  className,
  size,
  direction,
  horizontal,
  limits,
  onResize,
}: SeparatorProps) {
  const onPointerDown = (down: PointerEvent<HTMLDivElement>) => {
    const start = horizontal === true ? down.clientY : down.clientX
    const element = down.currentTarget
    element.setPointerCapture(down.pointerId)
    const move = (event: globalThis.PointerEvent) => {
      const at = horizontal === true ? event.clientY : event.clientX
      onResize(size + (at - start) * direction)
    }
    element.addEventListener('pointermove', move)
    // Also of a finger that turned out to scroll, which is never lifted.
    element.addEventListener(
      'lostpointercapture',
      () => element.removeEventListener('pointermove', move),
      { once: true },
    )
  }
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const keys = horizontal === true ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight']
    const at = keys.indexOf(event.key)
    if (at === -1) return
    event.preventDefault()
    onResize(size + (at === 0 ? -STEP : STEP) * direction)
  }
  return (
    <div
      role="separator"
      className={`separator ${className}`}
      tabIndex={0}
      aria-label={label}
      aria-orientation={horizontal === true ? 'horizontal' : 'vertical'}
      aria-valuenow={size}
      aria-valuemin={limits[0]}
      aria-valuemax={limits[1]}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  )
}
