/** Load averages, as mosquitto's `load` topics have them. */
const SECONDS_PER_MINUTE = 60
const WINDOW_SECONDS = [60, 300, 900] as const

/** Names of the windows in topics, in the order of {@link LoadAverage.values}. */
export const LOAD_WINDOWS = ['1min', '5min', '15min'] as const

/** Exponentially weighted averages of a counter's growth per minute. */
export interface LoadAverage {
  before: number
  readonly values: [number, number, number]
}

export function newLoadAverage(): LoadAverage {
  return { before: 0, values: [0, 0, 0] }
}

/** Takes over what `count` has become after `seconds`. */
export function updateLoad(load: LoadAverage, count: number, seconds: number): void {
  const perMinute = ((count - load.before) / seconds) * SECONDS_PER_MINUTE
  load.before = count
  WINDOW_SECONDS.forEach((window, index) => {
    const weight = Math.exp(-seconds / window)
    load.values[index] = perMinute + weight * (load.values[index] - perMinute)
  })
}
