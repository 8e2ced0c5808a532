/** A structured payload line by line: parts of it fold, a search finds its way through. */
import { useMemo, useState } from 'react'
import { quoted } from '../capture/pasted.ts'
import type { Line } from '../decode/lines.ts'
import { newId } from '../model/profile.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Marked } from '../ui/marked.tsx'
import { IconButton } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'

/** So many at first, and so many more with every press of the button. */
const LINES_SHOWN = 500
const LINES_MORE = 5000
/** Shorter ones are seen at a glance. */
const SEARCH_FROM = 8

interface PlacedLine extends Line {
  readonly at: number
  /** Lines that are folded away behind it. */
  readonly folded: number
}

/** The lines that are to be seen: without what is folded, or, searched, only what matches and all above it. */
function visible(
  lines: readonly Line[],
  folded: ReadonlySet<number>,
  needle: string,
): PlacedLine[] {
  if (needle !== '') return matching(lines, needle.toLowerCase())
  const shown: PlacedLine[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]
    if (line === undefined) break
    const end = folded.has(at) ? endOf(lines, at) : at
    shown.push({ ...line, at, folded: end - at })
    at = end
  }
  return shown
}

/** Where the part that opens at `at` closes. */
function endOf(lines: readonly Line[], at: number): number {
  const depth = lines[at]?.depth
  for (let end = at + 1; end < lines.length; end++)
    if (lines[end]?.depth === depth && lines[end]?.kind === 'close') return end
  return lines.length - 1
}

function matching(lines: readonly Line[], needle: string): PlacedLine[] {
  const shown: PlacedLine[] = []
  const above: PlacedLine[] = []
  for (const [at, line] of lines.entries()) {
    if (line.kind === 'close') continue
    above.length = Math.min(above.length, line.depth)
    const placed = { ...line, at, folded: 0 }
    const isHit = `${line.key ?? ''} ${line.text}`.toLowerCase().includes(needle)
    if (isHit) shown.push(...above.filter((parent) => !shown.includes(parent)), placed)
    above[line.depth] = placed
  }
  return shown
}

interface LineTreeProps {
  session: SessionHandle
  topic: string
  lines: readonly Line[]
}

export function LineTree({ session, topic, lines }: LineTreeProps) {
  const t = useText()
  const [count, setCount] = useState(LINES_SHOWN)
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set())
  const [needle, setNeedle] = useState('')
  const all = useMemo(() => visible(lines, folded, needle), [lines, folded, needle])
  const marks = useMemo(() => (needle === '' ? [] : [quoted(needle)]), [needle])
  const fold = (at: number) => {
    const next = new Set(folded)
    if (!next.delete(at)) next.add(at)
    setFolded(next)
  }
  return (
    <>
      {lines.length >= SEARCH_FROM && (
        <input
          type="search"
          className="line-search"
          aria-label={t.searchPayload}
          placeholder={t.searchPayload}
          value={needle}
          onChange={(event) => setNeedle(event.target.value)}
        />
      )}
      <div className="code">
        {all.slice(0, count).map((line) => (
          <TreeLineRow
            key={line.at}
            line={line}
            marks={marks}
            onFold={() => fold(line.at)}
            onPlot={() => plot(session, topic, line.path ?? '$')}
          />
        ))}
        {count < all.length && (
          <button
            type="button"
            className="button is-small"
            onClick={() => setCount(count + LINES_MORE)}
          >
            {t.showMoreLines(countText(all.length - count))}
          </button>
        )}
      </div>
    </>
  )
}

function plot(session: SessionHandle, topic: string, path: string): void {
  const { series } = session.store.get()
  const next = [
    ...series.filter((other) => other.filter !== topic || other.path !== path),
    { id: newId(), filter: topic, path, axis: 'left' as const },
  ]
  session.store.set({ series: next, mode: 'chart' })
  session.send({ kind: 'chart', series: next })
}

interface RowProps {
  line: PlacedLine
  marks: readonly string[]
  onFold: () => void
  onPlot: () => void
}

function TreeLineRow({ line, marks, onFold, onPlot }: RowProps) {
  const t = useText()
  const { depth, key, kind, text, comma, path, folded } = line
  return (
    <div className="code-line" style={{ paddingInlineStart: 14 + depth * 16 }}>
      {kind === 'open' && (
        <button
          type="button"
          className={`twisty ${folded > 0 ? '' : 'is-open'}`}
          style={{ insetInlineStart: depth * 16 }}
          aria-label={folded > 0 ? t.unfold : t.fold}
          title={folded > 0 ? t.unfold : t.fold}
          aria-expanded={folded === 0}
          onClick={onFold}
        >
          <Icon name="chevron" size={10} />
        </button>
      )}
      {key !== null && (
        <span className="tok-key">
          <Marked text={key} marks={marks} />:{' '}
        </span>
      )}
      <span className={`tok-${kind}`}>
        <Marked text={text} marks={marks} />
      </span>
      {folded > 0 && <span className="is-quiet"> … {text === '[' ? ']' : '}'}</span>}
      {comma && ','}
      {path !== null && (
        <IconButton icon="chart" className="plot-button" label={t.plot(path)} onClick={onPlot} />
      )}
    </div>
  )
}
