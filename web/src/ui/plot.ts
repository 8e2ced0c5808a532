/** How every chart of the page looks: axes, grid, times of day. */
import type uPlot from 'uplot'
import { timeLabels } from './format.ts'

export function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** Pixels that a time of day needs, with room beside it. */
const TIME_SPACE = 70

/** Distances of ticks that read as bytes do: 512 B, 1 KiB, 2 KiB. */
export const BYTE_STEPS: readonly number[] = Array.from({ length: 50 }, (_, power) => 2 ** power)

/** Distances of ticks of what is counted: there is no half of one. */
export const WHOLE_STEPS: readonly number[] = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((first) => first * 10 ** power),
).flat()

/** The scale of what is measured at the right. */
const RIGHT = 'right'

export function plotOptions(
  width: number,
  height: number,
  series: readonly { label: string; colour: string; axis?: 'left' | 'right' }[],
): uPlot.Options {
  const axis = {
    stroke: colourOf('--text-quiet'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { stroke: colourOf('--line'), width: 1 },
    font: '11px system-ui',
  }
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- it is an enum of declarations only
  const side: uPlot.Axis.Side = 1
  const hasRight = series.some((each) => each.axis === 'right')
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: true } },
    axes: [
      { ...axis, values: timeLabels, size: 30, space: TIME_SPACE },
      { ...axis, size: 56 },
      ...(hasRight ? [{ ...axis, size: 56, side, scale: RIGHT, grid: { show: false } }] : []),
    ],
    series: [
      {},
      ...series.map(({ label, colour, axis: at }) => ({
        label,
        ...(at === 'right' && { scale: RIGHT, dash: [6, 3] }),
        stroke: colour,
        width: 1.5,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  }
}
