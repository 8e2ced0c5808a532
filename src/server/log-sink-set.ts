/** The open destinations of the log, and what becomes of the lines of one that fails. */
import type { LogTypeBit } from '../base/log.ts'
import type { LogDestination } from '../config/log-values.ts'
import {
  fileSink,
  streamSink,
  syslogSink,
  topicSink,
  type LogSink,
  type PublishLine,
} from './log-sinks.ts'

/** The destinations that are open. Lines of one that fails go to standard error, with a line that says so. */
export interface SinkSet {
  open(destinations: readonly LogDestination[], facility: number | null): void
  write(type: LogTypeBit, line: string): void
  isEmpty(): boolean
  reopenFiles(): void
  close(): void
}

const standardError = streamSink(process.stderr)

/** @param report Writes an error to what is left. */
export function createSinkSet(publish: PublishLine, report: (text: string) => void): SinkSet {
  let sinks: LogSink[] = []

  const openOne = (destination: LogDestination, facility: number | null): LogSink | null => {
    const replace = (error: Error): void => {
      sinks = sinks.filter((sink) => sink !== opened)
      if (!sinks.includes(standardError)) sinks.push(standardError)
      const name = destination.kind === 'file' ? `log file ${destination.path}` : destination.kind
      report(`Error: unable to log to ${name}: ${error.message}. Using stderr.`)
    }
    let opened: LogSink | null = null
    try {
      opened = sinkOf(destination, facility, publish, replace)
    } catch (error) {
      replace(error as Error)
    }
    return opened
  }

  return {
    open(destinations, facility) {
      for (const destination of destinations) {
        const sink = openOne(destination, facility)
        if (sink !== null && !sinks.includes(sink)) sinks.push(sink)
      }
    },
    write(type, line) {
      for (const sink of sinks) if (sink.mask & type) sink.write(type, line)
    },
    isEmpty: () => sinks.length === 0,
    reopenFiles() {
      for (const sink of sinks) sink.reopen?.()
    },
    close() {
      for (const sink of sinks) sink.close()
      sinks = []
    },
  }
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
