/** Earlier messages of one topic. */
import { useEffect, useState } from 'react'
import type { Row } from '../model/message.ts'
import { clockText } from '../ui/format.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { useText } from '../ui/text.ts'

const ROWS = 200

/** What is kept of a topic, the newest first. */
export function HistoryList({
  session,
  topic,
  newest,
}: {
  session: SessionHandle
  topic: string
  newest: number
}) {
  const t = useText()
  const [rows, setRows] = useState<Row[]>([])
  useEffect(() => {
    let isStale = false
    session.ask('history', { topic, count: ROWS }).then(
      (found) => {
        if (!isStale) setRows(found)
      },
      () => {},
    )
    return () => {
      isStale = true
    }
  }, [session, topic, newest])
  return (
    <ul className="history-list" aria-label={t.history}>
      {rows.map((row) => (
        <li key={row.seq}>
          <button
            type="button"
            aria-current={row.seq === newest ? 'true' : undefined}
            onClick={() => session.select({ seq: row.seq })}
          >
            <time>{clockText(row.timeMs)}</time>
            <span>{row.direction === 'in' ? '↓' : '↑'}</span>
            <span className="mono">{row.size === 0 ? <i>{t.emptyPayload}</i> : row.preview}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
