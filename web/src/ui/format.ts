/** Numbers, sizes and times as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`
}

const grouped = new Intl.NumberFormat('en')

export function countText(count: number): string {
  return grouped.format(count)
}

/** Short enough for a badge: 999, 1.2k, 34k, 5.6M. */
export function shortCount(count: number): string {
  if (count < 1000) return String(Math.round(count))
  if (count < 10_000) return `${(Math.floor(count / 100) / 10).toFixed(1)}k`
  if (count < 1_000_000) return `${Math.floor(count / 1000)}k`
  return `${(Math.floor(count / 100_000) / 10).toFixed(1)}M`
}

const two = (value: number) => String(value).padStart(2, '0')

/** Time of day with milliseconds, local. */
export function clockText(ms: number): string {
  const date = new Date(ms)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Of an axis: times of day, as fine as the distance between them asks for; 24 hours, the same in every language. */
export function timeLabels(
  _: unknown,
  ticks: number[],
  _axis: number,
  _space: number,
  step: number,
): string[] {
  const [from, to] = step < 1 ? [6, 12] : step < 60 ? [0, 8] : [0, 5]
  return ticks.map((seconds) => clockText(seconds * 1000).slice(from, to))
}

const DELTA_UNITS = { en: ['ms', 's', 'min'], zh: ['毫秒', '秒', '分钟'] } as const

/** A distance between two messages: +12 ms, +3.2 s, +5 min. */
export function deltaText(ms: number, language: keyof typeof DELTA_UNITS): string {
  const [milliseconds, seconds, minutes] = DELTA_UNITS[language]
  const size = Math.abs(ms)
  const sign = ms < 0 ? '−' : '+'
  if (size < 1000) return `${sign}${Math.round(size)} ${milliseconds}`
  if (size < 60_000) return `${sign}${(size / 1000).toFixed(size < 10_000 ? 2 : 1)} ${seconds}`
  return `${sign}${(size / 60_000).toFixed(1)} ${minutes}`
}

export function dateTimeText(ms: number): string {
  const date = new Date(ms)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockText(ms)}`
}

const DURATION_UNITS = {
  en: [' s', ' min', ' h', ' d', ' '],
  zh: [' 秒', ' 分钟', ' 小时', ' 天', ' '],
} as const

/** 5 s, 3 min, 2 h 5 min, 4 d 1 h. */
export function durationText(ms: number, language: keyof typeof DURATION_UNITS): string {
  const [second, minute, hour, day, gap] = DURATION_UNITS[language]
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}${second}`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}${minute}`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours}${hour}${gap}${minutes % 60}${minute}`
  return `${Math.floor(hours / 24)}${day}${gap}${hours % 24}${hour}`
}
