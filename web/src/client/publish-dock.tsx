/** The dock to publish from. Ctrl+Enter sends. */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import {
  INPUT_FORMATS,
  noFields,
  type Draft,
  type InputFormat,
  type MessageFields,
  type Qos,
} from '../model/message.ts'
import type { PublishResult } from '../protocol/protocol.ts'
import { app, profileOf, putSettings } from '../state/app-state.ts'
import { pickFile } from '../ui/files.ts'
import { Icon } from '../ui/icons.tsx'
import { Check, IconButton, Pairs, Select, TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { jsonLines, linesToText, toHex } from '../decode/lines.ts'
import { JobList } from './job-list.tsx'
import { notifyRefusal, PublishOutcome } from './publish-outcome.tsx'
import { RepeatForm } from './repeat-form.tsx'
import { SavedMessages } from './saved-messages.tsx'

const HISTORY_MAX = 50
/** What is not answered by then is said to wait. */
const LATE_MS = 500

type Extra = 'properties' | 'repeat' | 'saved' | null

export function rememberDraft(draft: Draft): void {
  const same = JSON.stringify(draft)
  putSettings(({ history }) => ({
    history: [draft, ...history.filter((other) => JSON.stringify(other) !== same)].slice(
      0,
      HISTORY_MAX,
    ),
  }))
}

/** Sends the draft, and what became of it: words say why nothing was sent. */
function useSend(session: SessionHandle, draft: Draft) {
  const [held, setHeld] = useState<{ of: Draft; outcome: PublishResult | string } | null>(null)
  const [isLate, setLate] = useState(false)
  const sends = useRef(0)
  const send = async () => {
    const own = ++sends.current
    // The word on the message before is none on this one.
    const late = setTimeout(() => setLate(true), LATE_MS)
    const settle = (outcome: PublishResult | string) => {
      if (own === sends.current) setHeld({ of: draft, outcome })
      // Somebody has gone on to the next message: a refusal of this one is not to be missed.
      if (own !== sends.current || session.store.get().draft !== draft)
        notifyRefusal(draft.topic, outcome)
    }
    try {
      const result = await session.ask('publish', { draft })
      settle(result)
      if (result.ok) rememberDraft(draft)
    } catch (error) {
      settle(error instanceof Error ? error.message : String(error))
    } finally {
      clearTimeout(late)
      if (own === sends.current) setLate(false)
    }
  }
  // What was said of another message is not about this one.
  return { outcome: held?.of === draft ? held.outcome : null, isLate, send }
}

export function PublishDock({ session }: { session: SessionHandle }) {
  const t = useText()
  const draft = useStore(session.store, (state) => state.draft)
  const isFolded = useStore(app, ({ settings }) => settings.dockFolded)
  const [extra, setExtra] = useState<Extra>(null)
  const { outcome, isLate, send } = useSend(session, draft)
  const put = (patch: Partial<Draft>) =>
    session.store.set({
      draft: { ...draft, ...patch },
      ...(patch.topic !== undefined && { topicTyped: patch.topic !== '' }),
    })
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter that ends the input of Chinese characters sends nothing.
    if (event.nativeEvent.isComposing || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey))
      return
    event.preventDefault()
    void send()
  }
  return (
    <section
      className={`pane publish-dock ${isFolded ? 'is-folded' : ''}`}
      aria-label={t.publish}
      onKeyDown={onKeyDown}
    >
      <PublishLine session={session} draft={draft} put={put} send={send} isFolded={isFolded} />
      {!isFolded && (
        <>
          <div className="publish-body">
            <textarea
              className="mono"
              data-payload
              aria-label={t.payload}
              placeholder={t.payloadPlaceholder}
              spellCheck={false}
              value={draft.payload}
              onChange={(event) => put({ payload: event.target.value })}
            />
            <PublishTools
              session={session}
              draft={draft}
              put={put}
              extra={extra}
              setExtra={setExtra}
            />
          </div>
          <ExtraForm session={session} draft={draft} put={put} extra={extra} setExtra={setExtra} />
        </>
      )}
      <div className="publish-foot">
        <PublishOutcome outcome={outcome} isLate={isLate} qos={draft.qos} />
        <JobList session={session} />
      </div>
    </section>
  )
}

interface LineProps extends EditProps {
  send: () => Promise<void>
  isFolded: boolean
}

/** Topic, how to send, and the button; folded, the payload stands in it as well. */
function PublishLine({ session, draft, put, send, isFolded }: LineProps) {
  const t = useText()
  const isOnline = useStore(session.store, ({ status }) => status.kind === 'online')
  return (
    <div className="publish-line">
      <IconButton
        icon={isFolded ? 'chevronUp' : 'chevronDown'}
        className="fold wide-only"
        label={isFolded ? t.unfoldDock : t.foldDock}
        aria-expanded={!isFolded}
        onClick={() => putSettings({ dockFolded: !isFolded })}
      />
      <TopicInput session={session} draft={draft} put={put} />
      {isFolded && (
        <input
          className="mono folded-payload"
          data-payload
          aria-label={t.payload}
          placeholder={t.payloadPlaceholder}
          spellCheck={false}
          value={draft.payload}
          onChange={(event) => put({ payload: event.target.value })}
        />
      )}
      <Select<InputFormat>
        quiet
        label={t.format}
        value={draft.format}
        options={INPUT_FORMATS.map((format) => [format, t.formats[format]])}
        onChange={(format) => put({ format })}
      />
      <Select<Qos>
        quiet
        label="QoS"
        value={draft.qos}
        options={[
          [0, 'QoS 0'],
          [1, 'QoS 1'],
          [2, 'QoS 2'],
        ]}
        onChange={(qos) => put({ qos })}
      />
      <Check label={t.retain} checked={draft.retain} onChange={(retain) => put({ retain })} />
      <button
        type="button"
        className="button is-primary"
        disabled={!isOnline || draft.topic === ''}
        title="Ctrl+Enter"
        onClick={() => void send()}
      >
        <Icon name="send" size={14} /> {t.send}
      </button>
    </div>
  )
}

/** What is open below the payload. */
function ExtraForm({ session, draft, put, extra, setExtra }: ToolsProps) {
  if (extra === 'properties')
    return <FieldsForm fields={draft.fields} onChange={(fields) => put({ fields })} />
  if (extra === 'repeat') return <RepeatForm session={session} draft={draft} />
  if (extra === null) return null
  return (
    <SavedMessages
      draft={draft}
      onPick={(picked) => {
        session.store.set({ draft: picked, topicTyped: true })
        setExtra(null)
      }}
    />
  )
}

/** How many fields are set. */
function changedFields(fields: MessageFields): number {
  const fresh = noFields()
  const names = Object.keys(fresh) as (keyof MessageFields)[]
  return names.filter((name) => JSON.stringify(fields[name]) !== JSON.stringify(fresh[name])).length
}

interface EditProps {
  session: SessionHandle
  draft: Draft
  put: (patch: Partial<Draft>) => void
}

function TopicInput({ session, draft, put }: EditProps) {
  const t = useText()
  const listId = useId()
  const [found, setFound] = useState<string[]>([])
  useEffect(() => {
    if (draft.topic === '') return
    const timer = setTimeout(() => {
      session.ask('topics', { text: draft.topic }).then(setFound, () => {})
    }, 120)
    return () => clearTimeout(timer)
  }, [session, draft.topic])
  const isWrong = /[+#]/.test(draft.topic.replaceAll(/\{\{[^}]*\}\}/g, ''))
  return (
    <div className="topic-input">
      <input
        className="mono"
        aria-label={t.topic}
        placeholder={t.topic}
        list={listId}
        value={draft.topic}
        aria-invalid={isWrong}
        title={isWrong ? t.noWildcards : undefined}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => put({ topic: event.target.value })}
      />
      <datalist id={listId}>
        {found.map((topic) => (
          <option key={topic} value={topic} />
        ))}
      </datalist>
      {isWrong && <small className="problem">{t.noWildcards}</small>}
    </div>
  )
}

interface ToolsProps extends EditProps {
  extra: Extra
  setExtra: (extra: Extra) => void
}

function PublishTools({ session, draft, put, extra, setExtra }: ToolsProps) {
  const t = useText()
  const version = useStore(app, () => profileOf(session.id)?.version ?? 5)
  const propertyCount = changedFields(draft.fields)
  const toggle = (which: Extra) => setExtra(extra === which ? null : which)
  const pretty = () => {
    try {
      put({ payload: linesToText(jsonLines(draft.payload)) })
    } catch {
      // The problem is shown when it is sent.
    }
  }
  const load = async () => {
    const file = await pickFile('')
    if (file !== null)
      put({ payload: toHex(new Uint8Array(await file.arrayBuffer()), ' '), format: 'hex' })
  }
  return (
    <div className="publish-tools">
      {version === 5 && (
        <button
          type="button"
          className="tool"
          aria-expanded={extra === 'properties'}
          onClick={() => toggle('properties')}
        >
          <Icon name="tag" size={14} /> {t.v5Properties}{' '}
          {propertyCount > 0 && <span className="badge">{propertyCount}</span>}
        </button>
      )}
      <button
        type="button"
        className="tool"
        aria-expanded={extra === 'repeat'}
        onClick={() => toggle('repeat')}
      >
        <Icon name="clock" size={14} /> {t.timed}
      </button>
      <button
        type="button"
        className="tool"
        aria-expanded={extra === 'saved'}
        onClick={() => toggle('saved')}
      >
        <Icon name="star" size={14} /> {t.saved}
      </button>
      <button type="button" className="tool" onClick={() => app.set({ dialog: { kind: 'csv' } })}>
        <Icon name="table" size={14} /> CSV
      </button>
      <span className="tool-row">
        <IconButton icon="file" label={t.loadFile} onClick={() => void load()} />
        <IconButton icon="braces" label={t.prettyJson} onClick={pretty} />
        <IconButton
          icon="trash"
          label={t.clear}
          onClick={() => put({ payload: '', fields: noFields() })}
        />
      </span>
    </div>
  )
}

function FieldsForm({
  fields,
  onChange,
}: {
  fields: MessageFields
  onChange: (fields: MessageFields) => void
}) {
  const t = useText()
  const put = (patch: Partial<MessageFields>) => onChange({ ...fields, ...patch })
  return (
    <div className="publish-extra">
      <div className="grid">
        <TextField
          label={t.contentType}
          value={fields.contentType}
          placeholder="application/json"
          onChange={(contentType) => put({ contentType })}
        />
        <TextField
          label={t.withUnit(t.messageExpiry, 's')}
          type="number"
          value={fields.expirySeconds}
          onChange={(expirySeconds) => put({ expirySeconds })}
        />
        <TextField
          label={t.responseTopic}
          mono
          value={fields.responseTopic}
          onChange={(responseTopic) => put({ responseTopic })}
        />
        <TextField
          label={t.correlationData}
          value={fields.correlation}
          hint={t.hexHint}
          onChange={(correlation) => put({ correlation })}
        />
        <TextField
          label={t.topicAlias}
          type="number"
          value={fields.topicAlias}
          onChange={(topicAlias) => put({ topicAlias })}
        />
        <Check
          label={t.payloadFormatIndicator}
          checked={fields.payloadFormat}
          onChange={(payloadFormat) => put({ payloadFormat })}
        />
      </div>
      <Pairs
        label={t.userProperties}
        pairs={fields.userProperties}
        onChange={(userProperties) => put({ userProperties })}
      />
    </div>
  )
}
