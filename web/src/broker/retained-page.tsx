/** Retained messages: looked at one by one, removed one by one or by a filter, with a preview first. */
import { useEffect, useState } from 'react'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import { asText, fromBase64, hexDump } from '../decode/bytes.ts'
import { jsonLines, linesToText } from '../decode/lines.ts'
import { preview } from '../decode/preview.ts'
import { notify } from '../state/app-state.ts'
import { bytesText, countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Dialog, IconButton, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { call, type PurgeReply, type RetainedRow } from './api.ts'
import { Pager } from './pager.tsx'
import { useBrokerText } from './text.ts'
import { useLoaded, useSettled } from './use-api.ts'

const PAGE_SIZE = 50

/** What is asked for, and the page of it that came. */
function useRetained() {
  const [search, setSearch] = useState('')
  const [filter, setFilter] = useState('')
  const [page, setPage] = useState(1)
  const q = useSettled(search)
  const settled = useSettled(filter)
  const valid = settled !== '' && topicFilterProblem(settled) === null
  const query = {
    page,
    pageSize: PAGE_SIZE,
    ...(q !== '' && { q }),
    ...(valid && { filter: settled }),
  }
  const loaded = useLoaded(JSON.stringify(query), () => call('retained', { query }))
  useEffect(() => setPage(1), [search, filter])
  return { search, setSearch, filter, setFilter, setPage, ...loaded }
}

export function RetainedPage() {
  const t = useText()
  const b = useBrokerText()
  const retained = useRetained()
  const { filter, value, problem, reload } = retained
  const [opened, setOpened] = useState<string | null>(null)
  const [isPurging, setPurging] = useState(false)
  return (
    <div className={`split ${opened === null ? '' : 'has-drawer'}`}>
      <section className="table-page">
        <div className="page-tools-row">
          <input
            className="mono"
            aria-label={b.topicFilter}
            placeholder={t.labelled(b.topicFilter, 'home/#')}
            value={filter}
            onChange={(event) => retained.setFilter(event.target.value)}
          />
          <input
            type="search"
            aria-label={b.searchRetained}
            placeholder={b.searchRetained}
            value={retained.search}
            onChange={(event) => retained.setSearch(event.target.value)}
          />
          <button type="button" className="button" onClick={() => setPurging(true)}>
            <Icon name="trash" size={14} /> {b.purge}
          </button>
        </div>
        {problem !== null && <p className="problem">{problem}</p>}
        <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.retained}>
          <table>
            <tbody>
              {value?.items.map((row) => (
                <Row key={row.topic} row={row} opened={opened} onOpen={setOpened} />
              ))}
            </tbody>
          </table>
          {value !== null && value.items.length === 0 && <p className="empty">{b.noRetained}</p>}
        </div>
        {value !== null && (
          <Pager
            page={value.page}
            pageSize={value.pageSize}
            total={value.total}
            onPage={retained.setPage}
          />
        )}
      </section>
      {opened !== null && (
        <Message key={opened} topic={opened} onClose={() => setOpened(null)} onChange={reload} />
      )}
      {isPurging && <Purge initial={filter} onClose={() => setPurging(false)} onDone={reload} />}
    </div>
  )
}

interface RowProps {
  row: RetainedRow
  opened: string | null
  onOpen: (topic: string) => void
}

function Row({ row, opened, onOpen }: RowProps) {
  return (
    <tr className={row.topic === opened ? 'is-selected' : ''}>
      <td>
        <button
          type="button"
          className="plain mono row-button"
          title={row.topic}
          onClick={() => onOpen(row.topic)}
        >
          {row.topic}
        </button>
      </td>
      <td>QoS {row.qos}</td>
      <td className="is-number">{bytesText(row.payloadBytes)}</td>
      <td className="mono is-preview">
        {preview(fromBase64(row.preview) ?? new Uint8Array(), 'auto')}
      </td>
    </tr>
  )
}

/** Text, indented JSON, or a hex dump. */
function payloadText(bytes: Uint8Array): string {
  const text = asText(bytes)
  if (text === null) return hexDump(bytes)
  try {
    return linesToText(jsonLines(text))
  } catch {
    return text
  }
}

function Message({
  topic,
  onClose,
  onChange,
}: {
  topic: string
  onClose: () => void
  onChange: () => void
}) {
  const t = useText()
  const b = useBrokerText()
  const { value, problem } = useLoaded(topic, () => call('retainedMessage', { query: { topic } }))
  const remove = async () => {
    try {
      await call('retainedDelete', { query: { topic } })
      onChange()
      onClose()
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  return (
    <aside className="drawer" aria-label={topic}>
      <header>
        <h2 className="mono">{topic}</h2>
        <IconButton icon="close" label={t.close} onClick={onClose} />
      </header>
      {problem !== null && <p className="problem">{problem}</p>}
      {value !== null && (
        <>
          <p>
            <span className="chip">QoS {value.qos}</span>{' '}
            <span className="chip">{bytesText(value.payloadBytes)}</span>{' '}
            {value.publisher !== null && (
              <span className="is-quiet">
                {b.publisher} {value.publisher}
              </span>
            )}
          </p>
          <pre className="code drawer-code">
            {payloadText(fromBase64(value.payload) ?? new Uint8Array())}
          </pre>
          <button type="button" className="button is-small" onClick={() => void remove()}>
            <Icon name="trash" size={14} /> {t.remove}
          </button>
        </>
      )}
    </aside>
  )
}

function Purge({
  initial,
  onClose,
  onDone,
}: {
  initial: string
  onClose: () => void
  onDone: () => void
}) {
  const t = useText()
  const b = useBrokerText()
  const [filter, setFilter] = useState(initial)
  const [found, setFound] = useState<(PurgeReply & { filter: string }) | null>(null)
  const [typed, setTyped] = useState('')
  const ask = async (dryRun: boolean) => {
    try {
      const reply = await call('retainedPurge', { body: { filter, dryRun } })
      if (dryRun) {
        setFound({ ...reply, filter })
        return
      }
      notify(b.removed(countText(reply.count)))
      onDone()
      onClose()
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  const isCurrent = found !== null && found.filter === filter
  return (
    <Dialog
      title={b.purge}
      onClose={onClose}
      footer={
        <button
          type="button"
          className="button is-danger"
          disabled={!isCurrent || found.count === 0 || typed !== filter}
          onClick={() => void ask(false)}
        >
          {b.purgeNow(countText(isCurrent ? found.count : 0))}
        </button>
      }
    >
      <div className="with-button">
        <TextField
          label={b.topicFilter}
          mono
          value={filter}
          placeholder="home/#"
          onChange={setFilter}
        />
        <button
          type="button"
          className="button is-primary"
          disabled={topicFilterProblem(filter) !== null}
          onClick={() => void ask(true)}
        >
          {t.find}
        </button>
      </div>
      {isCurrent && <PurgeFound found={found} />}
      {isCurrent && found.count > 0 && (
        <TextField label={b.purgeTyped(filter)} mono value={typed} onChange={setTyped} />
      )}
    </Dialog>
  )
}

function PurgeFound({ found: { count, payloadBytes, examples } }: { found: PurgeReply }) {
  const t = useText()
  const b = useBrokerText()
  return (
    <div className="purge-found">
      <p role="status">{b.purgeFound(countText(count), bytesText(payloadBytes))}</p>
      <ul className="plain-list mono">
        {examples.map((topic) => (
          <li key={topic}>{topic}</li>
        ))}
        {count > examples.length && (
          <li className="is-quiet">{t.andMore(countText(count - examples.length))}</li>
        )}
      </ul>
    </div>
  )
}
