/** Destinations of the log, one function each. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { LogType, type LogTypeBit } from '../base/log.ts'
import { openToAppend } from './own-files.ts'

/** One place where finished lines go. */
export interface LogSink {
  /** The types it takes, or-ed. */
  readonly mask: number
  /** `line` has no line end. */
  write(type: LogTypeBit, line: string): void
  /** Files only: lets go of what is open and opens the path again. */
  reopen?(): void
  close(): void
}

const everything = Object.values(LogType).reduce((mask, bit) => mask | bit, 0)

/** Sends a line of the log into the broker itself: not retained, QoS 2. */
export type PublishLine = (topic: string, line: string) => void

export function streamSink(stream: Writable): LogSink {
  return {
    mask: everything,
    write: (_type, line) => void stream.write(`${line}\n`),
    close: () => {},
  }
}

/**
 * Appends to a file; see {@link openToAppend}.
 *
 * @throws the error of the system when it cannot be opened.
 */
export function fileSink(path: string, onFailure: (error: Error) => void): LogSink {
  let file = openToAppend(path)
  let failed = false
  return {
    mask: everything,
    write(_type, line) {
      if (failed) return
      try {
        writeSync(file, `${line}\n`)
      } catch (error) {
        failed = true
        onFailure(error as Error)
      }
    },
    reopen() {
      try {
        const next = openToAppend(path)
        closeSync(file)
        file = next
      } catch (error) {
        onFailure(error as Error)
      }
    },
    close: () => closeSync(file),
  }
}

const topicLevels = new Map<LogTypeBit, string>([
  [LogType.error, 'E'],
  [LogType.warning, 'W'],
  [LogType.notice, 'N'],
  [LogType.information, 'I'],
  [LogType.subscribe, 'M/subscribe'],
  [LogType.unsubscribe, 'M/unsubscribe'],
  [LogType.websockets, 'WS'],
])

const TOPIC_LINES_MAX = 1000

/**
 * `log_dest topic`: lines become messages in a turn of their own, as they are written in the middle of the
 * handling of another message. What publishing them logs is not published again.
 */
export function topicSink(publish: PublishLine): LogSink {
  const waiting: (readonly [topic: string, line: string])[] = []
  let publishing = false
  const publishAll = (): void => {
    publishing = true
    for (const [topic, line] of waiting.splice(0)) publish(topic, line)
    publishing = false
  }
  return {
    mask: [...topicLevels.keys()].reduce((mask, bit) => mask | bit, 0),
    write(type, line) {
      if (publishing || waiting.length >= TOPIC_LINES_MAX) return
      if (waiting.length === 0) setImmediate(publishAll)
      waiting.push([`$SYS/broker/log/${topicLevels.get(type)}`, line])
    },
    close: () => {},
  }
}

const FACILITY_DAEMON = 3
const FACILITY_LOCAL0 = 16
const priorities = new Map<LogTypeBit, number>([
  [LogType.error, 3],
  [LogType.warning, 4],
  [LogType.notice, 5],
  [LogType.information, 6],
])
const PRIORITY_DEBUG = 7

const SYSLOG_SOCKET = '/dev/log'

/**
 * syslog through `logger`, as Node cannot send to the datagram socket of syslog. `onFailure` is called when
 * there is no such program or it ended.
 *
 * @param facility 0 to 7 for local0 to local7; null: daemon.
 * @throws Error when no syslog runs: `logger` would not tell.
 */
export function syslogSink(facility: number | null, onFailure: (error: Error) => void): LogSink {
  if (!existsSync(SYSLOG_SOCKET)) throw new Error(`${SYSLOG_SOCKET} does not exist`)
  const base = facility === null ? FACILITY_DAEMON : FACILITY_LOCAL0 + facility
  const child = spawn('logger', ['--prio-prefix', '--tag', `mozzie[${process.pid}]`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.unref()
  child.on('error', onFailure)
  child.on('exit', (code) => {
    if (code !== 0) onFailure(new Error(`logger ended with code ${code}`))
  })
  child.stdin.on('error', () => {})
  return {
    mask: everything,
    write: (type, line) =>
      void child.stdin.write(`<${base * 8 + (priorities.get(type) ?? PRIORITY_DEBUG)}>${line}\n`),
    close: () => void child.stdin.end(),
  }
}
