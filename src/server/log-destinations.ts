/** The log of the process, and where it goes. */
import { LogType, type Log, type LogFields, type LogTypeBit } from '../base/log.ts'
import type { GlobalValues } from '../config/config.ts'
import { allLogTypes, type LogDestination } from '../config/log-values.ts'
import { jsonLogLine, logLine, type TimestampFormat } from './log-line.ts'
import type { RecentLine } from '../admin/source.ts'
import { createLogRate } from './log-rate.ts'
import { createLogRing } from './log-ring.ts'
import { createLogWatchers, type LogWatch } from './log-watchers.ts'
import { createSinkSet } from './log-sink-set.ts'
import type { PublishLine } from './log-sinks.ts'
import { nodeClock } from './node-ports.ts'

/** How the log is written; {@link logSettingsOf} takes it from a configuration. */
export interface LogSettings {
  readonly mask: number
  readonly format: 'text' | 'json'
  readonly timestamp: TimestampFormat
  readonly destinations: readonly LogDestination[]
  /** See `syslogSink`. */
  readonly facility: number | null
}

/** The log of the process. Until it is opened it keeps what is written. */
export interface ServerLog extends Log {
  /** Opens the destinations, in place of those there were; what was kept is written. */
  open(settings: LogSettings): void
  /** Opens log files again under their names, after somebody moved them away. */
  reopenFiles(): void
  /** Gives what `log_dest topic` sends lines with. */
  publishWith(publish: PublishLine): void
  /**
   * Hands on lines of the types in `mask` from now on, wherever else they are written or not; returns what ends
   * that. Controls are escaped.
   */
  watch(mask: number, watch: LogWatch): () => void
  /** The last lines that were written anywhere, oldest first. */
  recent(): RecentLine[]
  /** Says what was left out; to be called now and then. */
  tick(): void
  close(): void
}

/** @param override `-v` is 'all', `-q` is 'none'. */
export function logSettingsOf(global: GlobalValues, override: 'all' | 'none' | null): LogSettings {
  const masks = { all: allLogTypes, none: 0 }
  return {
    mask: override === null ? global.logTypes : masks[override],
    format: global.logFormat,
    timestamp: { enabled: global.logTimestamp, format: global.logTimestampFormat },
    destinations: global.logDestinations,
    facility: global.logFacility,
  }
}

const KEPT_LINES_MAX = 1000

interface Entry {
  readonly type: LogTypeBit
  readonly text: string
  readonly fields?: LogFields | undefined
}

function lineOf({ type, text, fields }: Entry, { format, timestamp }: LogSettings): string {
  const nowMs = Date.now()
  if (format === 'json') return jsonLogLine(type, text, fields, nowMs)
  return logLine(text, timestamp, nowMs)
}

export function createServerLog(): ServerLog {
  const rate = createLogRate()
  let settings: LogSettings | null = null
  let publish: PublishLine | null = null
  let kept: Entry[] = []
  const ring = createLogRing()
  const watchers = createLogWatchers(() => updateMask())
  const sinks = createSinkSet(
    (topic, line) => publish?.(topic, line),
    (text) => write(LogType.error, text),
  )

  const deliver = (entry: Entry, current: LogSettings): void =>
    sinks.write(entry.type, lineOf(entry, current))

  const write = (type: LogTypeBit, text: string, fields?: LogFields): void => {
    if ((log.mask & type) === 0) return
    if (settings === null) {
      if (kept.length < KEPT_LINES_MAX) kept.push({ type, text, fields })
    } else if (rate.admits(text, nodeClock.monotonicMs())) {
      if (settings.mask & type) deliver({ type, text, fields }, settings)
      // Debug lines are kept by nobody, and come by the thousand.
      if (type !== LogType.debug || !watchers.isEmpty) watchers.tell(ring.note(type, text))
    }
  }

  const updateMask = (): void => {
    const written = settings === null ? allLogTypes : settings.mask
    log.mask = watchers.mask | (settings !== null && sinks.isEmpty() ? 0 : written)
  }

  const log = {
    mask: allLogTypes,
    write,
    isTooOften: (event: string) =>
      settings !== null && rate.isTooOften(event, nodeClock.monotonicMs()),
    open(next: LogSettings) {
      sinks.close()
      settings = next
      log.mask = next.mask
      sinks.open(next.destinations, next.facility)
      updateMask()
      const lines = kept
      kept = []
      for (const entry of lines) {
        if ((next.mask & entry.type) === 0) continue
        deliver(entry, next)
        ring.note(entry.type, entry.text)
      }
    },
    watch: watchers.add,
    recent: ring.lines,
    reopenFiles: sinks.reopenFiles,
    publishWith(publishLine: PublishLine) {
      publish = publishLine
    },
    tick() {
      const current = settings
      if (current === null || (current.mask & LogType.notice) === 0) return
      rate.report(nodeClock.monotonicMs(), (text) =>
        deliver({ type: LogType.notice, text }, current),
      )
    },
    close: sinks.close,
  }
  return log
}
