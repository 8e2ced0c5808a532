/** Numbers over time. The worker picks at most 2,000 points of 100,000 a series, peaks kept. */
import { useEffect, useRef, useState, type FormEvent } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import { parsePath } from '../decode/json-path.ts'
import { newId } from '../model/profile.ts'
import { TOPICS_LEFT_MAX, type SeriesSnapshot } from '../protocol/protocol.ts'
import type { SeriesSpec } from '../protocol/protocol.ts'
import { clockText, countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { colourOf, plotOptions } from '../ui/plot.ts'
import { Check, IconButton } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function putSeries(session: SessionHandle, series: SeriesSpec[]): void {
  session.store.set({ series })
  session.send({ kind: 'chart', series })
}

/** A drawn line: one topic of a series. */
interface DrawnLine extends SeriesSnapshot {
  readonly spec: SeriesSpec
}

/** In the order of the legend, so of the colours. */
function drawnLines(series: readonly SeriesSpec[], data: readonly SeriesSnapshot[]): DrawnLine[] {
  return series.flatMap((spec) =>
    data.filter(({ id }) => id === spec.id).map((found) => ({ ...found, spec })),
  )
}

export function ChartView({ session }: { session: SessionHandle }) {
  const t = useText()
  const series = useStore(session.store, (state) => state.series)
  const data = useStore(session.store, (state) => state.chart)
  /** Where the pointer is, seconds since 1970; null: nowhere. */
  const [atSeconds, setAtSeconds] = useState<number | null>(null)
  const lines = drawnLines(series, data)
  const put = (spec: SeriesSpec) =>
    putSeries(
      session,
      series.map((other) => (other.id === spec.id ? spec : other)),
    )
  const remove = (id: string) =>
    putSeries(
      session,
      series.filter((other) => other.id !== id),
    )
  const waiting = series.filter(({ id }) => !lines.some((line) => line.spec.id === id))
  return (
    <div className="chart-view">
      <AddSeries session={session} />
      {series.length === 0 && <p className="empty is-large">{t.noSeries}</p>}
      <ul className="legend">
        {lines.map((line, at) => (
          <LegendRow
            key={`${line.id} ${line.topic}`}
            line={line}
            colour={at}
            atSeconds={atSeconds}
            put={put}
            remove={remove}
          />
        ))}
        {series.map((spec) => (
          <TopicsLeft key={`left ${spec.id}`} spec={spec} lines={lines} />
        ))}
        {waiting.map((spec) => (
          <li key={spec.id}>
            <span className="mono">{spec.filter}</span>
            <span className="mono is-quiet">{spec.path}</span>
            <span className="is-quiet">{t.points('0')}</span>
            <RemoveButton spec={spec} remove={remove} />
          </li>
        ))}
      </ul>
      {lines.length > 0 && (
        // The line is always there: one that comes and goes would move the chart under the pointer.
        <time className="chart-time mono">
          {atSeconds === null ? '\u00a0' : clockText(atSeconds * 1000)}
        </time>
      )}
      {lines.length > 0 && <Plot lines={lines} onPoint={setAtSeconds} />}
    </div>
  )
}

interface LegendProps {
  line: DrawnLine
  colour: number
  atSeconds: number | null
  put: (spec: SeriesSpec) => void
  remove: (id: string) => void
}

function LegendRow({ line, colour, atSeconds, put, remove }: LegendProps) {
  const t = useText()
  const { spec, topic, unit, points } = line
  const value = valueAt(line, atSeconds)
  return (
    <li>
      <span className={`swatch colour-${colour % 12}`} aria-hidden="true" />
      <span className="mono">{topic}</span>
      <span className="mono is-quiet">{spec.path}</span>
      <b className="mono">
        {value ?? '–'} {unit}
      </b>
      <span className="is-quiet">{t.points(countText(points))}</span>
      <Check
        label={t.rightAxis}
        checked={spec.axis === 'right'}
        onChange={(isRight) => put({ ...spec, axis: isRight ? 'right' : 'left' })}
      />
      <RemoveButton spec={spec} remove={remove} />
    </li>
  )
}

/** Said once for all lines of a filter. */
function TopicsLeft({ spec, lines }: { spec: SeriesSpec; lines: readonly DrawnLine[] }) {
  const t = useText()
  const left = lines.find((line) => line.spec.id === spec.id)?.topicsLeft ?? 0
  if (left === 0) return null
  const count = countText(left) + (left === TOPICS_LEFT_MAX ? '+' : '')
  return (
    <li className="is-warning">
      <span className="mono">{spec.filter}</span> {t.topicsLeft(count)}
    </li>
  )
}

function RemoveButton({ spec, remove }: Pick<LegendProps, 'remove'> & { spec: SeriesSpec }) {
  const t = useText()
  return (
    <IconButton
      icon="close"
      label={t.labelled(t.remove, spec.filter)}
      onClick={() => remove(spec.id)}
    />
  )
}

/** The last value at that time, or the newest. */
function valueAt({ times, values }: SeriesSnapshot, atSeconds: number | null): number | undefined {
  if (atSeconds === null) return values.at(-1)
  const after = times.findIndex((time) => time > atSeconds)
  return values[after === -1 ? values.length - 1 : after - 1]
}

function AddSeries({ session }: { session: SessionHandle }) {
  const t = useText()
  const [filter, setFilter] = useState('')
  const [path, setPath] = useState('$')
  const isValid = filter !== '' && topicFilterProblem(filter) === null && parsePath(path) !== null
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (!isValid) return
    putSeries(session, [...session.store.get().series, { id: newId(), filter, path, axis: 'left' }])
    setFilter('')
  }
  return (
    <form className="add-series" onSubmit={add}>
      <input
        className="mono"
        aria-label={t.topicFilter}
        placeholder={t.topicFilter}
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      <input
        className="mono is-short"
        aria-label={t.jsonPath}
        placeholder="$.temperature"
        value={path}
        onChange={(event) => setPath(event.target.value)}
      />
      <button type="submit" className="button" disabled={!isValid}>
        <Icon name="plus" size={14} /> {t.addSeries}
      </button>
    </form>
  )
}

/** uPlot wants one list of times for all lines: the union, with gaps where a line has no value. */
function aligned(lines: readonly SeriesSnapshot[]): uPlot.AlignedData {
  const parts = lines.map(
    ({ times, values }) => [Array.from(times), Array.from(values)] as [number[], number[]],
  )
  if (parts.every(([times]) => times.length === 0)) return [[], ...parts.map(() => [])]
  return uPlot.join(parts)
}

interface PlotProps {
  lines: readonly DrawnLine[]
  /** The time that the pointer is at; null: it has left. */
  onPoint: (seconds: number | null) => void
}

function Plot({ lines, onPoint }: PlotProps) {
  const t = useText()
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const point = useRef(onPoint)
  point.current = onPoint
  const key = JSON.stringify(lines.map(({ topic, spec }) => [topic, spec.path, spec.axis]))
  useEffect(() => {
    const at = element.current
    if (at === null) return
    const named = (JSON.parse(key) as [string, string, SeriesSpec['axis']][]).map(
      ([label, , axis], index) => ({ label, axis, colour: colourOf(`--sub-${index % 12}`) }),
    )
    const size = () => ({
      width: Math.max(200, at.clientWidth),
      height: Math.max(160, at.clientHeight),
    })
    const { width, height } = size()
    const onCursor = ({ cursor, data }: uPlot) =>
      point.current(typeof cursor.idx === 'number' ? (data[0][cursor.idx] ?? null) : null)
    const options = { ...plotOptions(width, height, named), hooks: { setCursor: [onCursor] } }
    const made = new uPlot(options, [[], ...named.map(() => [])], at)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize(size()))
    observer.observe(at)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [key])
  useEffect(() => plot.current?.setData(aligned(lines)), [lines, key])
  return <div className="plot" ref={element} role="img" aria-label={t.views.chart} />
}
