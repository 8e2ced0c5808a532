/** Subscriptions, and who receives a message of a topic. */
import { useState, type FormEvent } from 'react'
import { topicNameProblem } from '../../../src/topics/names.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { useOutcome } from '../ui/use-outcome.ts'
import { call, type Receivers } from './api.ts'
import { whyAddress } from '../model/why-address.ts'
import { Pager } from './pager.tsx'
import { SilentNodes } from './silent-nodes.tsx'
import { useBrokerText } from './text.ts'
import { TopicMetrics } from './topic-metrics.tsx'
import { useLoaded, useSettled } from './use-api.ts'

const PAGE_SIZE = 50

export function SubscriptionsPage() {
  const b = useBrokerText()
  const [search, setSearch] = useState('')
  const [page, setPage] = useState(1)
  const q = useSettled(search)
  const query = { page, pageSize: PAGE_SIZE, ...(q !== '' && { q }) }
  const { value, problem } = useLoaded(
    JSON.stringify(query),
    () => call('subscriptions', { query }),
    5000,
  )
  return (
    <section className="table-page">
      <WhoReceives />
      <TopicMetrics />
      <div className="page-tools-row">
        <input
          type="search"
          aria-label={b.searchSubscriptions}
          placeholder={b.searchSubscriptions}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value)
            setPage(1)
          }}
        />
      </div>
      {problem !== null && <p className="problem">{problem}</p>}
      <SilentNodes of={value} />
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.subscriptions}>
        <table>
          <thead>
            <tr>
              <th>{b.filter}</th>
              <th>{b.columns.clientId}</th>
              <th>QoS</th>
              <th>{b.state}</th>
            </tr>
          </thead>
          <tbody>
            {value?.items.map((row) => (
              <tr key={`${row.clientId} ${row.filter}`}>
                <td className="mono">{row.filter}</td>
                <td className="mono">{row.clientId}</td>
                <td>{row.qos}</td>
                <td>
                  <span className={`dot ${row.connected ? 'is-online' : ''}`} aria-hidden="true" />{' '}
                  {row.connected ? b.states.connected : b.states.offline}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {value?.items.length === 0 && <p className="empty">{b.noSubscriptions}</p>}
      </div>
      {value !== null && (
        <Pager page={value.page} pageSize={value.pageSize} total={value.total} onPage={setPage} />
      )}
    </section>
  )
}

function WhoReceives() {
  const b = useBrokerText()
  const [topic, setTopic] = useState('')
  const {
    value: answer,
    problem,
    run,
  } = useOutcome(topic, () => call('receivers', { query: { topic } }))
  const ask = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return (
    <form className="chart-card ask" onSubmit={ask}>
      <h2>{b.whoReceives}</h2>
      <p className="hint">{b.whoReceivesText}</p>
      <div className="with-button">
        <input
          className="mono"
          aria-label={b.whoReceives}
          placeholder="home/kitchen/temperature"
          value={topic}
          onChange={(event) => setTopic(event.target.value)}
        />
        <button
          type="submit"
          className="button is-primary"
          disabled={topicNameProblem(topic) !== null}
        >
          {b.ask}
        </button>
        {answer !== null && (
          <a className="button" href={whyAddress({ topic: answer.topic })}>
            {b.why}
          </a>
        )}
      </div>
      {problem !== null && <p className="problem">{problem}</p>}
      <SilentNodes of={answer} />
      {answer !== null && (
        <div role="status">
          <p>{b.receiversTotal(countText(answer.total), answer.retained)}</p>
          <ul className="plain-list">
            {answer.items.slice(0, 200).map((item) => (
              <li key={`${item.clientId} ${item.filter}`}>
                <Icon
                  name={item.mayReceive && (item.connected || item.keeps) ? 'check' : 'close'}
                  size={14}
                />
                <a
                  className="mono"
                  title={b.whyTitle}
                  href={whyAddress({ client: item.clientId, topic: answer.topic })}
                >
                  {item.clientId}
                </a>{' '}
                <span className="mono is-quiet">{item.filter}</span>{' '}
                <span className="chip is-tiny">QoS {item.qos}</span>{' '}
                {item.group !== null && <span className="chip is-tiny">{b.group(item.group)}</span>}
                <span className={item.mayReceive ? 'is-quiet' : 'problem'}>{outcome(item, b)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </form>
  )
}

function outcome(item: Receivers['items'][number], b: ReturnType<typeof useBrokerText>): string {
  if (!item.mayReceive) return b.denied
  if (item.connected) return ''
  return item.keeps ? b.keeps : b.missed
}
