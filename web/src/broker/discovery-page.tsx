/** What `homeassistant/#` announces, by device: states and availability with their last values, what is orphaned or malformed. */
import { useState } from 'react'
import { notify } from '../state/app-state.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Dialog } from '../ui/parts.tsx'
import { call } from './api.ts'
import { byDevice, isOrphaned, type Announcement, type Device } from './discovery.ts'
import { useDiscoveryText } from './discovery-words.ts'
import { useBrokerText } from './text.ts'
import { useDiscovery, type Discovery } from './use-discovery.ts'

/** Messages of one request. */
const BATCH_MAX = 500

export function DiscoveryPage() {
  const b = useBrokerText()
  const d = useDiscoveryText()
  const { value, problem, reload } = useDiscovery()
  const [doomed, setDoomed] = useState<readonly Announcement[] | null>(null)
  const announcements = value?.announcements ?? []
  const stale = announcements.filter(
    (one) => one.malformation !== null || (value !== null && isOrphaned(one, value)),
  )
  return (
    <section className="table-page">
      <div className="page-tools-row">
        <span className="is-quiet">{d.about}</span>
        <button
          type="button"
          className="button"
          disabled={stale.length === 0}
          onClick={() => setDoomed(stale)}
        >
          <Icon name="trash" size={14} /> {d.removeStale(countText(stale.length))}
        </button>
      </div>
      {problem !== null && <p className="problem">{problem}</p>}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.discovery}>
        {value !== null &&
          byDevice(announcements).map((device) => (
            <DeviceTable key={device.key} device={device} all={value} onRemove={setDoomed} />
          ))}
        {value !== null && announcements.length === 0 && <p className="empty">{d.none}</p>}
      </div>
      {doomed !== null && (
        <Removal doomed={doomed} onClose={() => setDoomed(null)} onDone={reload} />
      )}
    </section>
  )
}

interface DeviceProps {
  device: Device
  all: Discovery
  onRemove: (announcements: readonly Announcement[]) => void
}

function DeviceTable({ device: { name, announcements }, all, onRemove }: DeviceProps) {
  const d = useDiscoveryText()
  return (
    <table className="device" aria-label={name}>
      <thead>
        <tr>
          <th scope="colgroup" colSpan={2}>
            {name} <span className="is-quiet">{d.entities(countText(announcements.length))}</span>
          </th>
          <th>
            <button
              type="button"
              className="button is-small"
              aria-label={d.of(name)}
              onClick={() => onRemove(announcements)}
            >
              {d.remove}
            </button>
          </th>
        </tr>
      </thead>
      <tbody>
        {announcements.map((one) => (
          <tr key={one.topic}>
            <td>
              {one.name} {one.component !== '' && <span className="chip">{one.component}</span>}{' '}
              <Mark announcement={one} all={all} />
            </td>
            <td colSpan={2}>
              <Values announcement={one} all={all} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Mark({ announcement, all }: { announcement: Announcement; all: Discovery }) {
  const d = useDiscoveryText()
  const { malformation } = announcement
  if (malformation !== null)
    return <span className="chip is-bad">{d.malformations[malformation]}</span>
  if (!isOrphaned(announcement, all)) return null
  return (
    <span className="chip is-bad" title={d.orphanedHint}>
      {d.orphaned}
    </span>
  )
}

function Values({ announcement, all }: { announcement: Announcement; all: Discovery }) {
  const d = useDiscoveryText()
  const { topic: own, stateTopics, availabilityTopics, malformation } = announcement
  if (malformation !== null) return <span className="mono">{own}</span>
  return (
    <ul className="plain-list">
      {[...stateTopics, ...availabilityTopics].map((topic) => {
        const value = all.values.get(topic)
        return (
          <li key={topic}>
            <span className="mono">{topic}</span>{' '}
            {value === undefined ? (
              <span className="is-quiet">{d.noValue}</span>
            ) : (
              <b className="mono is-preview">{value}</b>
            )}
          </li>
        )
      })}
    </ul>
  )
}

interface RemovalProps {
  doomed: readonly Announcement[]
  onClose: () => void
  onDone: () => void
}

/** An empty retained message: Home Assistant hears it, and forgets. */
async function clear(topics: readonly string[]): Promise<void> {
  for (let from = 0; from < topics.length; from += BATCH_MAX) {
    const part = topics.slice(from, from + BATCH_MAX)
    const messages = part.map((topic) => ({ topic, retain: true, qos: 1 }))
    await call('publishBatch', { body: { messages } })
  }
}

function Removal({ doomed, onClose, onDone }: RemovalProps) {
  const d = useDiscoveryText()
  const topics = doomed.map(({ topic }) => topic)
  const remove = async () => {
    try {
      await clear(topics)
      notify(d.removed(countText(topics.length)))
      onDone()
      onClose()
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  return (
    <Dialog
      title={d.removeTitle}
      onClose={onClose}
      footer={
        <button type="button" className="button is-danger" onClick={() => void remove()}>
          {d.removeNow(countText(topics.length))}
        </button>
      }
    >
      <p>{d.removeText}</p>
      <ul className="plain-list mono">
        {topics.map((topic) => (
          <li key={topic}>{topic}</li>
        ))}
      </ul>
    </Dialog>
  )
}
