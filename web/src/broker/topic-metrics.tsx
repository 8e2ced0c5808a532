/** Messages counted by topic filter, for the filters that somebody asks for. */
import { useRef, useState, type FormEvent } from 'react'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import { bytesText, dateTimeText, countText } from '../ui/format.ts'
import { IconButton } from '../ui/parts.tsx'
import { call } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

const REFRESH_MS = 2000

type Before = { readonly messages: number; readonly sinceMs: number; readonly atMs: number }

/** Messages a second between two answers, by filter. */
function useRates() {
  const before = useRef(new Map<string, Before>())
  return async () => {
    const { items } = await call('topicMetrics')
    const atMs = performance.now()
    const counted = items.map((item) => {
      const old = before.current.get(item.filter)
      const isSame = old !== undefined && old.sinceMs === item.sinceMs && atMs > old.atMs
      const rate = isSame ? ((item.messages - old.messages) * 1000) / (atMs - old.atMs) : null
      return { ...item, rate }
    })
    before.current = new Map(
      items.map(({ filter, messages, sinceMs }) => [filter, { messages, sinceMs, atMs }]),
    )
    return counted
  }
}

export function TopicMetrics() {
  const b = useBrokerText()
  const { value, problem, reload } = useLoaded('topic metrics', useRates(), REFRESH_MS)
  const [filter, setFilter] = useState('')
  const [refused, setRefused] = useState<string | null>(null)
  const act = async (run: () => Promise<unknown>) => {
    try {
      await run()
      setRefused(null)
      reload()
    } catch (error) {
      setRefused(error instanceof Error ? error.message : String(error))
    }
  }
  const start = (event: FormEvent) => {
    event.preventDefault()
    void act(async () => {
      await call('topicMetricStart', { body: { filter } })
      setFilter('')
    })
  }
  const words = b.topicMetrics
  return (
    <form
      className="chart-card ask topic-metrics"
      onSubmit={start}
      onInput={() => setRefused(null)}
    >
      <h2>{words.title}</h2>
      <p className="hint">{words.text}</p>
      <div className="with-button">
        <input
          className="mono"
          aria-label={words.title}
          placeholder="home/#"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <button
          type="submit"
          className="button is-primary"
          disabled={topicFilterProblem(filter) !== null}
        >
          {words.start}
        </button>
      </div>
      {(refused ?? problem) !== null && <p className="problem">{refused ?? problem}</p>}
      {value?.length === 0 && <p className="is-quiet">{words.none}</p>}
      {value !== null && value.length > 0 && (
        <Counted
          items={value}
          onEnd={(counted) =>
            void act(() => call('topicMetricEnd', { query: { filter: counted } }))
          }
        />
      )}
    </form>
  )
}

type Item = Awaited<ReturnType<ReturnType<typeof useRates>>>[number]

function Counted({ items, onEnd }: { items: readonly Item[]; onEnd: (filter: string) => void }) {
  const b = useBrokerText()
  const words = b.topicMetrics
  const texts = new Set([b.filter, words.last])
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={words.title}>
      <table>
        <thead>
          <tr>
            {[
              b.filter,
              words.messages,
              words.perSecond,
              words.bytes,
              words.retained,
              words.last,
            ].map((name) => (
              <th key={name} className={texts.has(name) ? '' : 'is-number'}>
                {name}
              </th>
            ))}
            <th />
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.filter}>
              <td className="mono">{item.filter}</td>
              <td className="is-number">{countText(item.messages)}</td>
              <td className="is-number">{item.rate === null ? '–' : item.rate.toFixed(1)}</td>
              <td className="is-number">{bytesText(item.payloadBytes)}</td>
              <td className="is-number">{countText(item.retained)}</td>
              <td className="mono">
                {item.lastMs === null ? '–' : dateTimeText(item.lastMs).slice(5, 19)}
              </td>
              <td>
                <IconButton
                  icon="close"
                  label={words.end(item.filter)}
                  onClick={() => onEnd(item.filter)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
