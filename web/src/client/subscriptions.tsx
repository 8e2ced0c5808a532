/** What is subscribed: a line to add one, a row for each, its details in place. */
import { useState } from 'react'
import { hasWildcard, isShared, topicFilterProblem } from '../../../src/topics/names.ts'
import { reasonWords } from '../i18n/reasons.ts'
import { FORMATS } from '../model/message.ts'
import type { Subscription } from '../model/profile.ts'
import type { SubscriptionState } from '../protocol/protocol.ts'
import {
  app,
  changeSubscription,
  moveSubscription,
  PALETTE_SIZE,
  profileOf,
  removeSubscription,
} from '../state/app-state.ts'
import { countText, shortCount } from '../ui/format.ts'
import { useDragOrder, type DragProps } from '../ui/drag-order.ts'
import { Icon } from '../ui/icons.tsx'
import { Check, IconButton, Pairs, Select, TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useLanguage, useText } from '../ui/text.ts'
import { AddSubscription, DeliveryOptions, QOS_OPTIONS } from './add-subscription.tsx'
import { useEditedText } from './edited-text.ts'

export function Subscriptions({ session }: { session: SessionHandle }) {
  const t = useText()
  const profile = useStore(app, () => profileOf(session.id))
  const subscriptions = profile?.subscriptions ?? []
  const drag = useDragOrder((id, before) => moveSubscription(session.id, id, before))
  return (
    <div className="subscriptions">
      <AddSubscription session={session} />
      {subscriptions.length === 0 ? (
        <p className="empty">{t.noSubscriptions}</p>
      ) : (
        <ul className="subscription-list">
          {subscriptions.map((subscription) => (
            <SubscriptionRow
              key={subscription.id}
              drag={drag(subscription.id)}
              session={session}
              subscription={subscription}
              version={profile?.version ?? 5}
            />
          ))}
        </ul>
      )}
    </div>
  )
}

interface RowProps {
  session: SessionHandle
  subscription: Subscription
  version: number
}

interface SubscriptionRowProps extends RowProps {
  drag: DragProps
}

const NO_STATE: SubscriptionState = {
  id: '',
  state: 'off',
  code: 0,
  reason: '',
  messages: 0,
  perSecond: 0,
}

function SubscriptionRow({ session, subscription, version, drag }: SubscriptionRowProps) {
  const t = useText()
  const [isOpen, setOpen] = useState(false)
  const state =
    useStore(session.store, ({ subscriptions }) =>
      subscriptions.find(({ id }) => id === subscription.id),
    ) ?? NO_STATE
  const isFiltered = useStore(session.store, ({ request }) =>
    request.subscriptions.includes(subscription.id),
  )
  const put = (patch: Partial<Subscription>) =>
    changeSubscription(session.id, subscription.id, patch)
  const name = subscription.alias || subscription.filter
  const toggleFilter = () => {
    const { subscriptions } = session.store.get().request
    session.show({
      subscriptions: isFiltered
        ? subscriptions.filter((id) => id !== subscription.id)
        : [...subscriptions, subscription.id],
    })
  }
  return (
    <li className={`subscription is-${state.state} ${isFiltered ? 'is-filtered' : ''}`} {...drag}>
      <div className="subscription-line">
        <button
          type="button"
          className="subscription-name"
          aria-pressed={isFiltered}
          title={t.filterBySubscription}
          onClick={toggleFilter}
        >
          <span className={`swatch colour-${subscription.colour}`} aria-hidden="true" />
          <span className="name mono">{name}</span>
          <SubscriptionNote subscription={subscription} state={state} />
        </button>
        <span
          className="count"
          title={`${countText(state.messages)} · ${t.perSecond(state.perSecond)}`}
        >
          {shortCount(state.messages)}
          {state.perSecond > 0 && <small>{t.rate(shortCount(state.perSecond))}</small>}
        </span>
        <IconButton
          icon={subscription.hidden ? 'eyeOff' : 'eye'}
          label={t.labelled(t.hideMessages, name)}
          pressed={subscription.hidden}
          onClick={() => put({ hidden: !subscription.hidden })}
        />
        <IconButton
          icon="more"
          label={t.labelled(t.options, name)}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
      </div>
      {isOpen && (
        <SubscriptionForm
          session={session}
          subscription={subscription}
          put={put}
          version={version}
        />
      )}
    </li>
  )
}

function SubscriptionNote({
  subscription,
  state,
}: {
  subscription: Subscription
  state: SubscriptionState
}) {
  const t = useText()
  const language = useLanguage()
  if (!subscription.enabled) return <small>{t.disabled}</small>
  if (state.state === 'refused') {
    return (
      <small className="problem">
        {reasonWords(state.code, language) ?? ''} {t.problem(state.reason)}
      </small>
    )
  }
  if (state.state === 'granted' && state.code < subscription.qos)
    return <small className="is-warning">{t.grantedQos(state.code)}</small>
  return (
    <small>
      QoS {subscription.qos}
      {subscription.format !== 'auto' && ` · ${t.formats[subscription.format]}`}
      {isShared(subscription.filter) && ` · ${t.shared}`}
    </small>
  )
}

interface FormProps extends RowProps {
  put: (patch: Partial<Subscription>) => void
}

function SubscriptionForm({ session, subscription, put, version }: FormProps) {
  const t = useText()
  const schemas = useStore(app, ({ settings }) => settings.schemas)
  const filter = useEditedText(subscription.filter, t.topicFilter, (text) => {
    if (topicFilterProblem(text) === null) put({ filter: text })
  })
  return (
    <div className="subscription-form">
      <div className="field">
        <label>
          {t.topicFilter}
          <input
            className="mono"
            value={filter.value}
            onChange={(event) => filter.type(event.target.value)}
            onBlur={filter.leave}
          />
        </label>
      </div>
      <TextField label={t.alias} value={subscription.alias} onChange={(alias) => put({ alias })} />
      <div className="grid is-tight">
        <Select
          label="QoS"
          value={subscription.qos}
          options={QOS_OPTIONS}
          onChange={(qos) => put({ qos })}
        />
        <Select
          label={t.decodeAs}
          value={subscription.format}
          options={FORMATS.map((format) => [format, t.formats[format]])}
          onChange={(format) => put({ format })}
        />
        {(subscription.format === 'protobuf' || subscription.format === 'avro') && (
          <Select
            className="is-wide"
            label={t.schema}
            value={subscription.schema}
            options={[
              ['', '–'],
              ...schemas
                .filter(({ kind }) => kind === subscription.format)
                .map(({ id, name }): [string, string] => [id, name]),
            ]}
            onChange={(schema) => put({ schema })}
          />
        )}
      </div>
      <ColourChoice value={subscription.colour} onChange={(colour) => put({ colour })} />
      {version === 5 && <Version5Options subscription={subscription} put={put} />}
      <SubscriptionActions session={session} subscription={subscription} put={put} />
    </div>
  )
}

function SubscriptionActions({ session, subscription, put }: Omit<FormProps, 'version'>) {
  const t = useText()
  return (
    <div className="actions">
      <Check
        label={t.enabled}
        checked={subscription.enabled}
        onChange={(enabled) => put({ enabled })}
      />
      <button
        type="button"
        className="link-button"
        onClick={() => app.set({ dialog: { kind: 'schemas' } })}
      >
        {t.schemas}
      </button>
      {hasWildcard(subscription.filter) && (
        <button
          type="button"
          className="link-button"
          onClick={() => app.set({ dialog: { kind: 'retained', filter: subscription.filter } })}
        >
          {t.clearRetained}
        </button>
      )}
      <button
        type="button"
        className="link-button is-danger"
        onClick={() => removeSubscription(session.id, subscription.id)}
      >
        <Icon name="trash" size={14} /> {t.unsubscribe}
      </button>
    </div>
  )
}

function Version5Options({ subscription, put }: Pick<FormProps, 'subscription' | 'put'>) {
  const t = useText()
  return (
    <>
      <DeliveryOptions options={subscription} put={put} />
      <TextField
        label={t.subscriptionId}
        type="number"
        min={1}
        max={268435455}
        value={subscription.identifier}
        onChange={(identifier) => put({ identifier })}
      />
      <Pairs
        label={t.userProperties}
        pairs={subscription.userProperties}
        onChange={(userProperties) => put({ userProperties })}
      />
    </>
  )
}

function ColourChoice({ value, onChange }: { value: number; onChange: (colour: number) => void }) {
  const t = useText()
  return (
    <div className="colours" role="radiogroup" aria-label={t.colour}>
      {Array.from({ length: PALETTE_SIZE }, (_, colour) => (
        <button
          key={colour}
          type="button"
          role="radio"
          aria-checked={colour === value}
          aria-label={`${t.colour} ${colour + 1}`}
          className={`swatch colour-${colour}`}
          onClick={() => onChange(colour)}
        />
      ))}
    </div>
  )
}
