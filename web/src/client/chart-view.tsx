/** Numbers over time. The worker picks at most 2,000 points of 100,000 a series, peaks kept. */
import { useEffect, useRef, useState, type FormEvent } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import { parsePath } from '../decode/json-path.ts'
import { newId } from '../model/profile.ts'
import type { SeriesSnapshot } from '../protocol/protocol.ts'
import type { SeriesSpec } from '../protocol/protocol.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { colourOf, plotOptions } from '../ui/plot.ts'
import { IconButton } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function putSeries(session: SessionHandle, series: SeriesSpec[]): void {
  session.store.set({ series })
  session.send({ kind: 'chart', series })
}

export function ChartView({ session }: { session: SessionHandle }) {
  const t = useText()
  const series = useStore(session.store, (state) => state.series)
  const data = useStore(session.store, (state) => state.chart)
  const remove = (id: string) =>
    putSeries(
      session,
      series.filter((other) => other.id !== id),
    )
  return (
    <div className="chart-view">
      <AddSeries session={session} />
      {series.length === 0 && <p className="empty is-large">{t.noSeries}</p>}
      <ul className="legend">
        {series.map((spec, at) => {
          const points = data.find(({ id }) => id === spec.id)
          return (
            <li key={spec.id}>
              <span className={`swatch colour-${at % 12}`} aria-hidden="true" />
              <span className="mono">{spec.filter}</span>
              <span className="mono is-quiet">{spec.path}</span>
              <b className="mono">{points?.values.at(-1) ?? '–'}</b>
              <span className="is-quiet">{t.points(countText(points?.points ?? 0))}</span>
              <IconButton
                icon="close"
                label={`${t.remove}: ${spec.filter}`}
                onClick={() => remove(spec.id)}
              />
            </li>
          )
        })}
      </ul>
      {series.length > 0 && <Plot series={series} data={data} />}
    </div>
  )
}

function AddSeries({ session }: { session: SessionHandle }) {
  const t = useText()
  const [filter, setFilter] = useState('')
  const [path, setPath] = useState('$')
  const isValid = filter !== '' && topicFilterProblem(filter) === null && parsePath(path) !== null
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (!isValid) return
    putSeries(session, [...session.store.get().series, { id: newId(), filter, path }])
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

/** uPlot wants one list of times for all series: the union, with gaps where a series has no value. */
function aligned(
  series: readonly SeriesSpec[],
  data: readonly SeriesSnapshot[],
): uPlot.AlignedData {
  const parts = series.map((spec) => {
    const found = data.find(({ id }) => id === spec.id)
    return [Array.from(found?.times ?? []), Array.from(found?.values ?? [])] as [number[], number[]]
  })
  if (parts.every(([times]) => times.length === 0)) return [[], ...parts.map(() => [])]
  return uPlot.join(parts)
}

function Plot({
  series,
  data,
}: {
  series: readonly SeriesSpec[]
  data: readonly SeriesSnapshot[]
}) {
  const t = useText()
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    const at = element.current
    if (at === null) return
    const lines = series.map(({ filter }, index) => ({
      label: filter,
      colour: colourOf(`--sub-${index % 12}`),
    }))
    const size = () => ({
      width: Math.max(200, at.clientWidth),
      height: Math.max(160, at.clientHeight),
    })
    const { width, height } = size()
    const made = new uPlot(plotOptions(width, height, lines), [[], ...lines.map(() => [])], at)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize(size()))
    observer.observe(at)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [series])
  useEffect(() => plot.current?.setData(aligned(series, data)), [series, data])
  return <div className="plot" ref={element} role="img" aria-label={t.views.chart} />
}
