/**
 * The places of a list and what of it is on screen. Rows have ever growing places; the reader stands at one of them, the
 * row at the upper edge with the part of it that is above the edge (`top`), and stays there whatever the list does.
 *
 *     first        start                 top              next
 *     |…out of reach…|………………………………………|‾‾‾on screen‾‾‾|………|
 */

/** Rows beside the screen that exist as well, so that a little scrolling shows no gaps. */
const SPARE_ROWS = 8
/** Beyond this browsers do not scroll exactly. */
const HEIGHT_PX_MAX = 8_000_000
/** Scroll positions are rounded: so near to the end is at the end. */
const END_PX = 2

export interface ListShape {
  /** Place of the first row that exists, and the one after the last. */
  readonly first: number
  readonly next: number
  /** Pixels. */
  readonly rowHeight: number
}

/** The first place that can be scrolled to. */
export function startOf({ first, next, rowHeight }: ListShape): number {
  return Math.max(first, next - Math.floor(HEIGHT_PX_MAX / rowHeight))
}

/** Pixels of all rows that can be scrolled to. */
export function heightOf(shape: ListShape): number {
  return (shape.next - startOf(shape)) * shape.rowHeight
}

/** The place at the upper edge at this scroll position. */
export function topOf(shape: ListShape, scrollTop: number): number {
  return startOf(shape) + scrollTop / shape.rowHeight
}

export interface ListBefore {
  /** `startOf` the list. */
  readonly start: number
  readonly rowHeight: number
}

/** The scroll position at which the reader still sees the same, now that the list begins elsewhere or has rows of another height. */
export function scrollTopAfter(shape: ListShape, before: ListBefore, scrollTop: number): number {
  const scale = shape.rowHeight / before.rowHeight
  return scrollTop * scale + (before.start - startOf(shape)) * shape.rowHeight
}

export interface ListWindow {
  readonly from: number
  readonly count: number
}

/** The rows that should exist, in a screen of `screenPx` pixels. */
export function windowOf(
  shape: ListShape,
  follow: boolean,
  top: number,
  screenPx: number,
): ListWindow {
  const shown = Math.ceil(screenPx / shape.rowHeight)
  const last = shape.next - shown
  const place = follow ? last : Math.min(Math.floor(top), last)
  return { from: Math.max(startOf(shape), place - SPARE_ROWS), count: shown + 2 * SPARE_ROWS }
}

/**
 * Whether the list stays at its end after a scroll by `movedPx` that ended `fromEndPx` above the end: it is left by
 * moving up, however little, and found again by arriving.
 */
export function followsAfter(follow: boolean, movedPx: number, fromEndPx: number): boolean {
  return fromEndPx <= END_PX || (follow && movedPx >= 0)
}

/** The scroll position at which a place is seen, as near to this one as can be. */
export function scrollTopToSee(
  shape: ListShape,
  place: number,
  scrollTop: number,
  screenPx: number,
): number {
  const at = (place - startOf(shape)) * shape.rowHeight
  if (at < scrollTop) return at
  // Above the rows stands the head, as high as one of them.
  return Math.max(scrollTop, at + 2 * shape.rowHeight - screenPx)
}
