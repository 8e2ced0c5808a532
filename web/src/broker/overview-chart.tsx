/** A chart of the overview. */
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clockText } from '../ui/format.ts'
import { BYTE_STEPS, plotOptions, WHOLE_STEPS } from '../ui/plot.ts'
import { isBytes, valueText, type Metric, type Points } from './overview-history.ts'
import { useBrokerText } from './text.ts'

const COLOURS = ['--sub-0', '--sub-1'] as const

interface ChartProps {
  title: string
  names: readonly (Metric & keyof ReturnType<typeof useBrokerText>['series'])[]
  times: readonly number[]
  points: Points
  seconds: number
}

/** Where the pointer is, and what the lines are there. */
interface Read {
  readonly seconds: number
  readonly values: readonly (number | null | undefined)[]
}

function readAt({ data, cursor: { idx } }: uPlot): Read | null {
  const seconds = idx === null || idx === undefined ? undefined : data[0]?.[idx]
  if (seconds === undefined || idx === null || idx === undefined) return null
  return { seconds, values: data.slice(1).map((line) => line[idx]) }
}

/** A time of which nothing is known has no value. */
const textOf = (name: string, value: number | null | undefined): string =>
  typeof value === 'number' ? valueText(name, value) : '–'

/** null: whatever fits. */
function stepsOf(key: string): readonly number[] | null {
  if (isBytes(key)) return BYTE_STEPS
  return /Rate|Ms|Percent/.test(key) ? null : WHOLE_STEPS
}

function chartOptions(
  key: string,
  width: number,
  lines: Parameters<typeof plotOptions>[2],
  onRead: (read: Read | null) => void,
): uPlot.Options {
  const options = plotOptions(width, 150, lines)
  const values = (_: uPlot, ticks: number[]) => ticks.map((tick) => valueText(key, tick))
  const steps = stepsOf(key)
  const upright = { values, ...(steps !== null && { incrs: [...steps] }) }
  const axes = options.axes?.map((axis, index) => (index === 1 ? { ...axis, ...upright } : axis))
  return {
    ...options,
    hooks: { setCursor: [(plot) => onRead(readAt(plot))] },
    ...(axes !== undefined && { axes }),
    series: options.series.map((one) => ({ ...one, spanGaps: false })),
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
  }
}

export function Chart({ title, names, times, points, seconds }: ChartProps) {
  const b = useBrokerText()
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const [read, setRead] = useState<Read | null>(null)
  const key = names.join()
  useEffect(() => {
    const at = element.current
    if (at === null) return
    const style = getComputedStyle(document.documentElement)
    const lines = key.split(',').map((label, index) => ({
      label,
      colour: style.getPropertyValue(COLOURS[index] ?? '--sub-2').trim(),
    }))
    const options = chartOptions(key, Math.max(200, at.clientWidth), lines, setRead)
    const made = new uPlot(options, [[], ...lines.map(() => [])], at)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, at.clientWidth), height: 150 }),
    )
    observer.observe(at)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [key])
  useEffect(() => {
    const from = (times.at(-1) ?? 0) - seconds
    const first = key.split(',')[0] ?? ''
    // A broker that has just started has no hour to show: what it has fills the width.
    const start = Math.max(
      0,
      times.findIndex((time, at) => time >= from && typeof points[first]?.[at] === 'number'),
    )
    plot.current?.setData([
      times.slice(start),
      ...key.split(',').map((name) => (points[name] ?? []).slice(start)),
    ])
  }, [times, points, key, seconds])
  return (
    <section className="chart-card">
      <header>
        <h2>{title}</h2>
        <ul className="legend">
          {names.map((name, at) => (
            <li key={name}>
              <span className={`swatch colour-${at}`} aria-hidden="true" /> {b.series[name]}{' '}
              <b className="mono">
                {textOf(name, read === null ? (points[name]?.at(-1) ?? 0) : read.values[at])}
              </b>
            </li>
          ))}
        </ul>
      </header>
      <div className="chart-body">
        {read !== null && (
          <time className="mono">{clockText(read.seconds * 1000).slice(0, 8)}</time>
        )}
        <div ref={element} className="chart-plot" role="img" aria-label={title} />
      </div>
    </section>
  )
}
