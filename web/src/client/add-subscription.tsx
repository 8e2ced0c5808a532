/** The line to subscribe with: filters, QoS, what MQTT 5.0 adds, and what may not have been meant. */
import { useState, type FormEvent } from 'react'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import type { Qos } from '../model/message.ts'
import { filtersOverlap } from '../model/overlap.ts'
import type { Subscription } from '../model/profile.ts'
import { app, profileOf, subscribeTo } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { Check, IconButton, Select } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export const QOS_OPTIONS: [Qos, string][] = [
  [0, 'QoS 0'],
  [1, 'QoS 1'],
  [2, 'QoS 2'],
]

type FirstOptions = Pick<Subscription, 'noLocal' | 'retainAsPublished' | 'retainHandling'>

const NO_OPTIONS: FirstOptions = { noLocal: false, retainAsPublished: false, retainHandling: 0 }

export function AddSubscription({ session }: { session: SessionHandle }) {
  const t = useText()
  const profile = useStore(app, () => profileOf(session.id))
  const [filter, setFilter] = useState('')
  const [qos, setQos] = useState<Qos>(0)
  const [options, setOptions] = useState<FirstOptions | null>(null)
  const filters = filter
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const problem =
    filters.map((part) => topicFilterProblem(part)).find((found) => found !== null) ?? null
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (filters.length === 0 || problem !== null) return
    for (const part of filters) subscribeTo(session.id, part, { qos, ...options })
    setFilter('')
  }
  return (
    <form className="add-subscription" onSubmit={add}>
      <input
        className="mono"
        aria-label={t.topicFilter}
        placeholder="sensors/+/temperature"
        value={filter}
        aria-invalid={problem !== null}
        onChange={(event) => setFilter(event.target.value)}
      />
      <Select quiet label="QoS" value={qos} options={QOS_OPTIONS} onChange={setQos} />
      {profile?.version === 5 && (
        <IconButton
          icon="settings"
          label={t.subscribeOptions}
          aria-expanded={options !== null}
          onClick={() => setOptions(options === null ? NO_OPTIONS : null)}
        />
      )}
      <button
        type="submit"
        className="button is-primary"
        disabled={filters.length === 0 || problem !== null}
      >
        {t.subscribe}
      </button>
      {options !== null && (
        <DeliveryOptions options={options} put={(patch) => setOptions({ ...options, ...patch })} />
      )}
      {problem !== null && <small className="problem">{t.problem(problem)}</small>}
      {problem === null && (
        <FilterHints filters={filters} known={profile?.subscriptions ?? NO_SUBSCRIPTIONS} />
      )}
    </form>
  )
}

const NO_SUBSCRIPTIONS: readonly Subscription[] = []

/** What may not have been meant. */
function FilterHints({
  filters,
  known,
}: {
  filters: readonly string[]
  known: readonly Subscription[]
}) {
  const t = useText()
  const overlapping = known.find((other) =>
    filters.some((part) => part !== other.filter && filtersOverlap(part, other.filter)),
  )
  return (
    <>
      {filters.some((part) => /\s/.test(part)) && (
        <small className="is-warning">{t.filterHasSpace}</small>
      )}
      {overlapping !== undefined && (
        <small className="is-warning">{t.filterOverlaps(overlapping.filter)}</small>
      )}
    </>
  )
}

interface DeliveryOptionsProps {
  options: FirstOptions
  put: (patch: Partial<FirstOptions>) => void
}

/** What MQTT 5.0 lets a subscription say of how messages are delivered. */
export function DeliveryOptions({ options, put }: DeliveryOptionsProps) {
  const t = useText()
  return (
    <div className="delivery-options">
      <div className="checks">
        <Check
          label={t.noLocal}
          checked={options.noLocal}
          onChange={(noLocal) => put({ noLocal })}
        />
        <Check
          label={t.retainAsPublished}
          checked={options.retainAsPublished}
          onChange={(retainAsPublished) => put({ retainAsPublished })}
        />
      </div>
      <Select
        label={t.retainHandling}
        value={options.retainHandling}
        options={[
          [0, t.retainHandlings[0]],
          [1, t.retainHandlings[1]],
          [2, t.retainHandlings[2]],
        ]}
        onChange={(retainHandling) => put({ retainHandling })}
      />
    </div>
  )
}
