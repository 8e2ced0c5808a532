/** Packets of one client, topic or address, decoded. */
import { useEffect, useState, type FormEvent } from 'react'
import { jsonLines, linesToText } from '../decode/lines.ts'
import { notify } from '../state/app-state.ts'
import { bytesText, clockText, countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { call, urlOf, type Trace, type TracePacket } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

const REFRESH_MS = 1500
const LISTED_MAX = 1000

export function TracePage() {
  const t = useText()
  const b = useBrokerText()
  const { value, reload } = useLoaded('traces', () => call('traces'), REFRESH_MS)
  const [opened, setOpened] = useState<string | null>(null)
  const traces = value?.traces ?? []
  const remove = async (id: string) => {
    await call('traceDelete', { params: { id } }).catch((error: unknown) =>
      notify(String(error), true),
    )
    if (opened === id) setOpened(null)
    reload()
  }
  return (
    <section className="table-page">
      <StartTrace
        onStarted={(id) => {
          setOpened(id)
          reload()
        }}
      />
      <ul className="traces" aria-label={b.traces}>
        {traces.map((trace) => (
          <li key={trace.id} className={trace.id === opened ? 'is-selected' : ''}>
            <button type="button" className="plain row-button" onClick={() => setOpened(trace.id)}>
              <b className="mono">{nameOf(trace)}</b>{' '}
              {trace.running && <span className="chip is-good">{b.running}</span>}
              <span className="is-quiet">
                {b.packetsSeen(countText(trace.packets), countText(trace.seen))}
              </span>
            </button>
            <a
              className="button is-small"
              href={urlOf('traceDownload', { params: { id: trace.id }, query: { format: 'text' } })}
              download={`trace-${trace.id}.txt`}
            >
              <Icon name="download" size={14} /> {b.download}
            </a>
            <IconButton
              icon="trash"
              label={t.labelled(t.remove, nameOf(trace))}
              onClick={() => void remove(trace.id)}
            />
          </li>
        ))}
      </ul>
      {opened !== null && <Packets key={opened} id={opened} />}
    </section>
  )
}

function nameOf({ clientId, topic, address }: Trace): string {
  return [clientId, topic, address].filter((part) => part !== null).join(' · ')
}

function StartTrace({ onStarted }: { onStarted: (id: string) => void }) {
  const t = useText()
  const b = useBrokerText()
  const [clientId, setClientId] = useState('')
  const [topic, setTopic] = useState('')
  const [address, setAddress] = useState('')
  const [seconds, setSeconds] = useState('300')
  const isEmpty = clientId === '' && topic === '' && address === ''
  const start = async (event: FormEvent) => {
    event.preventDefault()
    const body = {
      seconds: Number(seconds) || 300,
      ...(clientId !== '' && { clientId }),
      ...(topic !== '' && { topic }),
      ...(address !== '' && { address }),
    }
    try {
      onStarted((await call('traceStart', { body })).id)
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  return (
    <form className="chart-card ask" onSubmit={(event) => void start(event)}>
      <p className="hint">{b.traceText}</p>
      <div className="grid">
        <TextField label={b.columns.clientId} mono value={clientId} onChange={setClientId} />
        <TextField label={t.topicFilter} mono value={topic} onChange={setTopic} />
        <TextField label={b.address} mono value={address} onChange={setAddress} />
        <TextField
          label={b.seconds}
          type="number"
          min={1}
          max={3600}
          value={seconds}
          onChange={setSeconds}
        />
      </div>
      <button
        type="submit"
        className="button is-primary"
        disabled={isEmpty}
        title={isEmpty ? b.needOne : undefined}
      >
        {b.startTrace}
      </button>
    </form>
  )
}

function Packets({ id }: { id: string }) {
  const b = useBrokerText()
  const [packets, setPackets] = useState<readonly TracePacket[]>([])
  const [opened, setOpened] = useState<number | null>(null)
  const after = packets.at(-1)?.number ?? 0
  const { value } = useLoaded(
    id,
    () => call('tracePackets', { params: { id }, query: { after } }),
    REFRESH_MS,
  )
  useEffect(() => {
    if (value === null) return
    setPackets((before) => {
      const last = before.at(-1)?.number ?? 0
      return [...before, ...value.packets.filter(({ number }) => number > last)].slice(-LISTED_MAX)
    })
  }, [value])
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.trace}>
      <table className="packets">
        <tbody>
          {packets.map((packet) => (
            <PacketRow
              key={packet.number}
              packet={packet}
              isOpen={packet.number === opened}
              onToggle={() => setOpened(packet.number === opened ? null : packet.number)}
            />
          ))}
        </tbody>
      </table>
      {packets.length === 0 && <p className="empty">{b.waitingForPackets}</p>}
    </div>
  )
}

function PacketRow({
  packet,
  isOpen,
  onToggle,
}: {
  packet: TracePacket
  isOpen: boolean
  onToggle: () => void
}) {
  const b = useBrokerText()
  return (
    <>
      <tr>
        <td className="mono is-quiet">{clockText(packet.timeMs)}</td>
        <td title={b.directions[packet.direction]}>
          {packet.direction === 'received' ? '→' : '←'}
        </td>
        <td>
          <button
            type="button"
            className="plain mono row-button"
            aria-expanded={isOpen}
            onClick={onToggle}
          >
            <b>{packet.type}</b> {withoutType(packet)}
          </button>
        </td>
        <td className="mono is-quiet">{packet.clientId ?? packet.remote}</td>
        <td className="is-number">{bytesText(packet.bytes)}</td>
      </tr>
      {isOpen && (
        <tr>
          <td colSpan={5}>
            <pre className="code drawer-code">{pretty(packet.fields)}</pre>
          </td>
        </tr>
      )}
    </>
  )
}

function pretty(json: string): string {
  try {
    return linesToText(jsonLines(json))
  } catch {
    return json
  }
}

/** The summary begins with the type, but where the packet cannot be read. */
function withoutType({ type, summary }: TracePacket): string {
  return summary.startsWith(type) ? summary.slice(type.length).trimStart() : summary
}
