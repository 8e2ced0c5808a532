import { LogType, type Log, type LogFields, type LogTypeBit } from '../base/log.ts'
import type { GlobalValues } from '../config/config.ts'
import { allLogTypes, type LogDestination } from '../config/log-values.ts'
import { jsonLogLine, logLine, type TimestampFormat } from './log-line.ts'
import { createLogRate } from './log-rate.ts'
import {
  fileSink,
  streamSink,
  syslogSink,
  topicSink,
  type LogSink,
  type PublishLine,
} from './log-sinks.ts'

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

const keptLinesMax = 1000
const standardError = streamSink(process.stderr)

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
  let sinks: LogSink[] = []
  let publish: PublishLine | null = null
  let kept: Entry[] = []

  const send: PublishLine = (topic, line) => publish?.(topic, line)

  const deliver = (entry: Entry, current: LogSettings): void => {
    const line = lineOf(entry, current)
    for (const sink of sinks) if (sink.mask & entry.type) sink.write(entry.type, line)
  }

  const write = (type: LogTypeBit, text: string, fields?: LogFields): void => {
    if ((log.mask & type) === 0) return
    if (settings === null) {
      if (kept.length < keptLinesMax) kept.push({ type, text, fields })
    } else if (rate.admits(text, Date.now())) deliver({ type, text, fields }, settings)
  }

  /** Lines of a destination that fails go to standard error, with a line that says so. */
  const openSink = (destination: LogDestination): LogSink | null => {
    const replace = (error: Error): void => {
      sinks = sinks.filter((sink) => sink !== opened)
      if (!sinks.includes(standardError)) sinks.push(standardError)
      const name = destination.kind === 'file' ? `log file ${destination.path}` : destination.kind
      write(LogType.error, `Error: unable to log to ${name}: ${error.message}. Using stderr.`)
    }
    let opened: LogSink | null = null
    try {
      opened = sinkOf(destination, settings?.facility ?? null, send, replace)
    } catch (error) {
      replace(error as Error)
    }
    return opened
  }

  const log = {
    mask: allLogTypes,
    write,
    open(next: LogSettings) {
      for (const sink of sinks) sink.close()
      settings = next
      log.mask = next.mask
      sinks = []
      for (const destination of next.destinations) {
        const sink = openSink(destination)
        if (sink !== null && !sinks.includes(sink)) sinks.push(sink)
      }
      if (sinks.length === 0) log.mask = 0
      const lines = kept
      kept = []
      for (const entry of lines) if (log.mask & entry.type) deliver(entry, next)
    },
    reopenFiles() {
      for (const sink of sinks) sink.reopen?.()
    },
    publishWith(publishLine: PublishLine) {
      publish = publishLine
    },
    tick() {
      const current = settings
      if (current === null || (current.mask & LogType.notice) === 0) return
      rate.report(Date.now(), (text) => deliver({ type: LogType.notice, text }, current))
    },
    close() {
      for (const sink of sinks) sink.close()
      sinks = []
    },
  }
  return log
}

function sinkOf(
  destination: LogDestination,
  facility: number | null,
  publish: PublishLine,
  onFailure: (error: Error) => void,
): LogSink | null {
  if (destination.kind === 'stdout') return streamSink(process.stdout)
  if (destination.kind === 'stderr') return standardError
  if (destination.kind === 'file') return fileSink(destination.path, onFailure)
  if (destination.kind === 'syslog') return syslogSink(facility, onFailure)
  if (destination.kind === 'topic') return topicSink(publish)
  return null
}
