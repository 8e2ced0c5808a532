/** Clients: searched, ordered and paged by the broker; one of them in full beside the list. */
import { useEffect, useState } from 'react'
import { bytesText, countText, dateTimeText, shortCount } from '../ui/format.ts'
import { notify } from '../state/app-state.ts'
import { confirmed } from '../ui/confirm.tsx'
import { Icon } from '../ui/icons.tsx'
import { IconButton, Select } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useDuration, useText } from '../ui/text.ts'
import { call, type ClientDetail, type ClientRow, type ClientsQuery } from './api.ts'
import { Facts, versionText } from './client-facts.tsx'
import { cluster } from './cluster.ts'
import { QueuedFacts } from './queued-facts.tsx'
import { brokerNowMs } from './reach.ts'
import { whyAddress } from '../model/why-address.ts'
import { Pager } from './pager.tsx'
import { SilentNodes } from './silent-nodes.tsx'
import { useBrokerText } from './text.ts'
import { useLoaded, useSettled } from './use-api.ts'

const REFRESH_MS = 3000
const PAGE_SIZE = 50

type Sort = NonNullable<ClientsQuery['sort']>

type Column = keyof ReturnType<typeof useBrokerText>['columns']

const COLUMNS: readonly Column[] = [
  'clientId',
  'node',
  'username',
  'remote',
  'version',
  'subscriptions',
  'inflight',
  'queued',
  'dropped',
  'publishReceived',
  'publishSent',
  'connectedAtMs',
]
const NUMBERS = [
  'subscriptions',
  'inflight',
  'queued',
  'dropped',
  'publishReceived',
  'publishSent',
] as const
const SORTABLE: readonly string[] = [
  'clientId',
  'username',
  'connectedAtMs',
  ...NUMBERS,
] satisfies Sort[]
const isNumber = (name: Column) => NUMBERS.some((one) => one === name)

/** Where there is a cluster, its clients are on many nodes. */
function useColumns(): readonly Column[] {
  const isClustered = useStore(cluster, ({ clustered }) => clustered)
  return isClustered ? COLUMNS : COLUMNS.filter((name) => name !== 'node')
}

/** What is asked for, and the page of it that came. */
function useClients() {
  const [search, setSearch] = useState('')
  const [state, setState] = useState<'all' | 'connected' | 'offline'>('all')
  const [sort, setSort] = useState<Sort>('clientId')
  const [order, setOrder] = useState<'asc' | 'desc'>('asc')
  const [page, setPage] = useState(1)
  const q = useSettled(search)
  const query: ClientsQuery = {
    sort,
    order,
    page,
    pageSize: PAGE_SIZE,
    ...(q !== '' && { q }),
    ...(state !== 'all' && { state }),
  }
  const loaded = useLoaded(JSON.stringify(query), () => call('clients', { query }), REFRESH_MS)
  const sortBy = (name: Sort) => {
    setOrder(sort === name && order === 'asc' ? 'desc' : 'asc')
    setSort(name)
  }
  useEffect(() => setPage(1), [search, state])
  return { search, setSearch, state, setState, sort, order, sortBy, setPage, ...loaded }
}

type Clients = ReturnType<typeof useClients>

export function ClientsPage() {
  const b = useBrokerText()
  const clients = useClients()
  const { value, problem, reload, setPage } = clients
  const [opened, setOpened] = useState<string | null>(null)
  return (
    <div className={`split ${opened === null ? '' : 'has-drawer'}`}>
      <section className="table-page">
        <ClientTools clients={clients} />
        {problem !== null && <p className="problem">{problem}</p>}
        <SilentNodes of={value} />
        <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.clients}>
          <table>
            <ClientHead clients={clients} />
            <tbody>
              {value?.items.map((row) => (
                <Row
                  key={row.clientId}
                  row={row}
                  isOpen={row.clientId === opened}
                  onOpen={() => setOpened(row.clientId)}
                />
              ))}
            </tbody>
          </table>
          {value !== null && value.items.length === 0 && <p className="empty">{b.noClients}</p>}
        </div>
        {value !== null && (
          <Pager page={value.page} pageSize={value.pageSize} total={value.total} onPage={setPage} />
        )}
      </section>
      {opened !== null && (
        <Drawer key={opened} clientId={opened} onClose={() => setOpened(null)} onChange={reload} />
      )}
    </div>
  )
}

function ClientTools({ clients }: { clients: Clients }) {
  const b = useBrokerText()
  return (
    <div className="page-tools-row">
      <input
        type="search"
        aria-label={b.searchClients}
        placeholder={b.searchClients}
        value={clients.search}
        onChange={(event) => clients.setSearch(event.target.value)}
      />
      <Select
        quiet
        label={b.state}
        value={clients.state}
        options={[
          ['all', b.states.all],
          ['connected', b.states.connected],
          ['offline', b.states.offline],
        ]}
        onChange={clients.setState}
      />
    </div>
  )
}

function ClientHead({ clients: { sort, order, sortBy } }: { clients: Clients }) {
  const b = useBrokerText()
  const columns = useColumns()
  const direction = order === 'asc' ? 'ascending' : 'descending'
  return (
    <thead>
      <tr>
        {columns.map((name) => (
          <th
            key={name}
            className={isNumber(name) ? 'is-number' : undefined}
            aria-sort={sort === name ? direction : undefined}
          >
            {SORTABLE.includes(name) ? (
              <button type="button" onClick={() => sortBy(name as Sort)}>
                {b.columns[name]} {sort === name && (order === 'asc' ? '↑' : '↓')}
              </button>
            ) : (
              b.columns[name]
            )}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Row({ row, isOpen, onOpen }: { row: ClientRow; isOpen: boolean; onOpen: () => void }) {
  const b = useBrokerText()
  const duration = useDuration()
  const isClustered = useStore(cluster, ({ clustered }) => clustered)
  return (
    <tr className={isOpen ? 'is-selected' : ''}>
      <td>
        <button type="button" className="plain row-button" onClick={onOpen}>
          <span className={`dot ${row.connected ? 'is-online' : ''}`} aria-hidden="true" />
          <span className="mono">{row.clientId === '' ? '–' : row.clientId}</span>
          <span className="visually-hidden">
            {row.connected ? b.states.connected : b.states.offline}
          </span>
        </button>
      </td>
      {isClustered && <td className="mono">{row.node ?? '–'}</td>}
      <td>{row.username ?? <i className="is-quiet">{b.anonymous}</i>}</td>
      <td className="mono">{row.remote ?? '–'}</td>
      <td>{versionText(row.version)}</td>
      <td className="is-number">{countText(row.subscriptions)}</td>
      <td className="is-number">{countText(row.inflight)}</td>
      <td className="is-number">{countText(row.queued)}</td>
      <td className={`is-number ${row.dropped > 0 ? 'problem' : ''}`}>{countText(row.dropped)}</td>
      <td className="is-number">{shortCount(row.publishReceived)}</td>
      <td className="is-number">{shortCount(row.publishSent)}</td>
      <td>
        {row.connected && row.connectedAtMs !== null
          ? duration(brokerNowMs() - row.connectedAtMs)
          : b.states.offline}
      </td>
    </tr>
  )
}

function Drawer({
  clientId,
  onClose,
  onChange,
}: {
  clientId: string
  onClose: () => void
  onChange: () => void
}) {
  const t = useText()
  const b = useBrokerText()
  const { value, problem, reload } = useLoaded(
    clientId,
    () => call('client', { query: { clientId } }),
    REFRESH_MS,
  )
  const act = async (name: 'disconnect' | 'forget') => {
    try {
      await call(name, { body: { clientId } })
      onChange()
      // Without a session that lasts nothing is left to show.
      if (name === 'forget' || value?.durable === false) onClose()
      else reload()
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  const forget = async () => {
    if (await confirmed(b.confirmForget(clientId), b.forgetClient)) await act('forget')
  }
  return (
    <aside className="drawer" aria-label={clientId}>
      <header>
        <h2 className="mono">{clientId}</h2>
        <IconButton icon="close" label={t.close} onClick={onClose} />
      </header>
      {problem !== null && <p className="problem">{problem}</p>}
      {value !== null && (
        <>
          <div className="actions">
            <a className="button is-small" href={whyAddress({ client: clientId })}>
              <Icon name="info" size={14} /> {b.why}
            </a>
            <button
              type="button"
              className="button is-small"
              disabled={!value.connected}
              onClick={() => void act('disconnect')}
            >
              <Icon name="power" size={14} /> {b.disconnectClient}
            </button>
            <button type="button" className="button is-small" onClick={() => void forget()}>
              <Icon name="trash" size={14} /> {b.forgetClient}
            </button>
          </div>
          <Facts client={value} />
          <Lists client={value} />
        </>
      )}
    </aside>
  )
}

function Lists({ client }: { client: ClientDetail }) {
  const t = useText()
  const b = useBrokerText()
  return (
    <>
      <h3>
        {b.pages.subscriptions} <span className="is-quiet">{countText(client.subscriptions)}</span>
      </h3>
      {client.subscriptionList.length > 0 && (
        <ul className="plain-list mono">
          {client.subscriptionList.slice(0, 100).map(({ filter, qos }) => (
            <li key={filter}>
              {filter} <span className="chip is-tiny">QoS {qos}</span>
            </li>
          ))}
        </ul>
      )}
      {client.window.length > 0 && (
        <>
          <h3>{b.window}</h3>
          <ul className="plain-list mono">
            {client.window.map(({ packetId, topic, qos, payloadBytes }) => (
              <li key={packetId}>
                #{packetId} {topic ?? '…'}{' '}
                <span className="is-quiet">
                  {t.phrases([`QoS ${qos}`, bytesText(payloadBytes)])}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {client.queue.length > 0 && (
        <>
          <h3>{b.queue}</h3>
          <ul className="plain-list mono">
            {client.queue.map(({ topic, ...facts }, at) => (
              // oxlint-disable-next-line react/no-array-index-key -- a queue's messages have no identity but their place
              <li key={at}>
                {topic}{' '}
                <span className="is-quiet">
                  <QueuedFacts {...facts} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>{b.events}</h3>
      <ul className="plain-list">
        {client.events.map(({ timeMs, kind, detail, filter = '' }) => (
          <li key={`${timeMs}${kind}${detail}${filter}`}>
            <time className="is-quiet mono">{dateTimeText(timeMs).slice(5, 19)}</time>{' '}
            {b.eventKinds[kind]}{' '}
            <span className="is-quiet">
              {kind === 'subscribeRefused'
                ? t.labelled(filter, b.reasonWords(detail))
                : b.reasonWords(detail)}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}
