/** The log as it is written. */
import { useEffect, useRef, useState } from 'react'
import { dateTimeText } from '../ui/format.ts'
import { download } from '../ui/files.ts'
import { Icon } from '../ui/icons.tsx'
import { Check, IconButton } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { useBrokerText } from './text.ts'
import { useSettled } from './use-api.ts'
import { useLive } from './use-live.ts'

interface LogLine {
  readonly timeMs: number
  readonly level: string
  readonly text: string
  readonly number: number
}

const LINES_MAX = 2000
const LEVELS = [
  'error',
  'warning',
  'notice',
  'information',
  'subscribe',
  'unsubscribe',
  'debug',
] as const
type Level = (typeof LEVELS)[number]

export function LogPage() {
  const t = useText()
  const b = useBrokerText()
  const [search, setSearch] = useState('')
  const [levels, setLevels] = useState<ReadonlySet<Level>>(
    new Set(LEVELS.filter((level) => level !== 'debug')),
  )
  const [isOn, setOn] = useState(true)
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const text = useSettled(search)
  const list = useRef<HTMLDivElement>(null)
  const query = { kinds: 'log', levels: [...levels].join(','), ...(text !== '' && { text }) }
  const onLine = (data: unknown) => {
    const line = data as Omit<LogLine, 'number'>
    setLines((before) =>
      [...before, { ...line, number: (before.at(-1)?.number ?? 0) + 1 }].slice(-LINES_MAX),
    )
  }
  const isConnected = useLive(query, { log: onLine }, isOn && levels.size > 0)
  useEffect(() => {
    const element = list.current
    if (element !== null && element.scrollTop + element.clientHeight > element.scrollHeight - 80)
      element.scrollTop = element.scrollHeight
  }, [lines])
  const save = () => {
    const content = lines
      .map((line) => `${dateTimeText(line.timeMs)} ${line.level} ${line.text}\n`)
      .join('')
    download('mozzie-log.txt', new Blob([content], { type: 'text/plain' }))
  }
  const toggle = (level: Level, on: boolean) => {
    const next = new Set(levels)
    if (on) next.add(level)
    else next.delete(level)
    setLevels(next)
  }
  return (
    <section className="table-page">
      <div className="page-tools-row">
        <input
          type="search"
          aria-label={b.searchLog}
          placeholder={b.searchLog}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <IconButton
          icon={isOn ? 'pause' : 'play'}
          label={isOn ? t.pause : t.resume}
          pressed={!isOn}
          onClick={() => setOn(!isOn)}
        />
        <IconButton icon="trash" label={t.clear} onClick={() => setLines([])} />
        <button type="button" className="button" disabled={lines.length === 0} onClick={save}>
          <Icon name="down" size={14} /> {b.download}
        </button>
      </div>
      <fieldset className="levels">
        <legend className="visually-hidden">{b.level}</legend>
        {LEVELS.map((level) => (
          <Check
            key={level}
            label={b.levels[level]}
            checked={levels.has(level)}
            onChange={(on) => toggle(level, on)}
          />
        ))}
      </fieldset>
      {!isConnected && <p className="is-warning">{b.reconnecting}</p>}
      <div
        className="log-lines mono"
        ref={list}
        role="log"
        aria-live="off"
        aria-label={b.pages.log}
        tabIndex={0}
      >
        {lines.length === 0 && <p className="empty">{b.waitingForLines}</p>}
        {lines.map((line) => (
          <div key={line.number} className={`log-line is-${line.level}`}>
            <time>{dateTimeText(line.timeMs).slice(11)}</time>
            <span>{line.text}</span>
          </div>
        ))}
      </div>
    </section>
  )
}
