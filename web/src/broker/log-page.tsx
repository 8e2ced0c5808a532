/** The log as it is written. */
import { useEffect, useRef, useState } from 'react'
import { dateTimeText } from '../ui/format.ts'
import { download } from '../ui/files.ts'
import { Icon } from '../ui/icons.tsx'
import { Check, IconButton } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { useBrokerText } from './text.ts'
import { call, type LogLine } from './api.ts'
import { useSettled, useShown } from './use-api.ts'
import { useLive } from './use-live.ts'

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

interface KeyedLine extends LogLine {
  readonly key: number
}

/** Of a line that the broker keeps; it counts them anew when it is started again. */
const nameOf = ({ number, timeMs }: LogLine) => `${number} ${timeMs}`
const isSame = (one: LogLine, other: LogLine) => nameOf(one) === nameOf(other)
const inOrder = (a: LogLine, b: LogLine) => a.timeMs - b.timeMs || a.number - b.number

/** The last lines that the broker keeps, and every one since. */
function useLogLines(levels: string, text: string, isOn: boolean) {
  const [lines, setLines] = useState<readonly KeyedLine[]>([])
  const lastKey = useRef(0)
  const keyed = (line: LogLine): KeyedLine => ({ ...line, key: ++lastKey.current })
  const add = (line: LogLine) =>
    setLines((before) =>
      line.number > 0 && before.some((other) => isSame(other, line))
        ? before
        : [...before, keyed(line)].slice(-LINES_MAX),
    )
  // What was seen before the broker was gone stays: it may say why.
  const addKept = (kept: readonly LogLine[]) =>
    setLines((before) => {
      const known = new Set(kept.map(nameOf))
      const others = before.filter((line) => line.number === 0 || !known.has(nameOf(line)))
      return [...others, ...kept.map(keyed)].sort(inOrder).slice(-LINES_MAX)
    })
  const choice = { levels, ...(text !== '' && { text }) }
  const isWanted = isOn && levels !== ''
  const isConnected = useLive(
    { kinds: 'log', ...choice },
    { log: (line) => add(line as LogLine) },
    isWanted,
  )
  useEffect(() => {
    if (isWanted) setLines([])
  }, [levels, text, isWanted])
  useEffect(() => {
    if (!isWanted || !isConnected) return
    let isStale = false
    call('log', { query: choice }).then(
      (reply) => {
        if (!isStale) addKept(reply.lines)
      },
      () => {},
    )
    return () => {
      isStale = true
    }
    // oxlint-disable-next-line react/exhaustive-deps -- the choice is made of these
  }, [levels, text, isWanted, isConnected])
  return { lines, clear: () => setLines([]), isConnected }
}

export function LogPage() {
  const t = useText()
  const b = useBrokerText()
  const [search, setSearch] = useState('')
  const [levels, setLevels] = useState<ReadonlySet<Level>>(
    new Set(LEVELS.filter((level) => level !== 'debug')),
  )
  const [isOn, setOn] = useState(true)
  const text = useSettled(search)
  const list = useRef<HTMLDivElement>(null)
  const { lines, clear, isConnected } = useLogLines([...levels].join(','), text, isOn)
  useShown(lines.length > 0)
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
        <IconButton icon="trash" label={t.clear} onClick={clear} />
        <button type="button" className="button" disabled={lines.length === 0} onClick={save}>
          <Icon name="download" size={14} /> {b.download}
        </button>
      </div>
      <LevelChoice levels={levels} onChange={setLevels} />
      {!isConnected && <p className="is-warning">{b.reconnecting}</p>}
      <div
        className="log-lines mono"
        ref={list}
        role="log"
        aria-live="off"
        aria-label={b.pages.log}
        tabIndex={0}
      >
        {lines.length === 0 && (
          <p className="empty">{text === '' ? b.waitingForLines : b.noLogLine}</p>
        )}
        {lines.map((line) => (
          <div key={line.key} className={`log-line is-${line.level}`}>
            <time>{dateTimeText(line.timeMs).slice(11)}</time>
            <span>{line.text}</span>
          </div>
        ))}
      </div>
    </section>
  )
}

interface LevelChoiceProps {
  levels: ReadonlySet<Level>
  onChange: (levels: ReadonlySet<Level>) => void
}

function LevelChoice({ levels, onChange }: LevelChoiceProps) {
  const b = useBrokerText()
  const toggle = (level: Level, on: boolean) => {
    const next = new Set(levels)
    if (on) next.add(level)
    else next.delete(level)
    onChange(next)
  }
  return (
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
  )
}
