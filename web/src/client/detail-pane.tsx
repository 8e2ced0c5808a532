/** One message in full: what the broker said about it, its payload in any format, what changed, what to do with it. */
import { useEffect, useState } from 'react'
import { FORMATS, type Format } from '../model/message.ts'
import type { DetailAnswer } from '../protocol/protocol.ts'
import { app, profileOf } from '../state/app-state.ts'
import { bytesText, clockText, dateTimeText, deltaText } from '../ui/format.ts'
import { IconButton, Select, Tabs } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useLanguage, useText } from '../ui/text.ts'
import { DetailActions } from './detail-actions.tsx'
import { DiffView } from './diff-view.tsx'
import { HistoryList } from './history-list.tsx'
import { PayloadView } from './payload-view.tsx'
import { PropertyList } from './property-list.tsx'

type Tab = 'payload' | 'diff' | 'history'

/** Asks the worker for what is selected, and again when the topic being watched has something new. */
function useDetail(session: SessionHandle): DetailAnswer | null {
  const selection = useStore(session.store, (state) => state.selection)
  const format = useStore(session.store, (state) => state.format)
  const whole = useStore(session.store, (state) => state.whole)
  const watchedSeq = useStore(session.store, (state) => state.watchedSeq)
  const schemas = useStore(app, ({ settings }) => settings.schemas)
  const profile = useStore(app, () => profileOf(session.id))
  const [answer, setAnswer] = useState<DetailAnswer | null>(null)
  useEffect(() => {
    if (selection === null) return
    let isStale = false
    const asked =
      'seq' in selection
        ? { seq: selection.seq, topic: null, format, schema: '', whole }
        : { seq: null, topic: selection.topic, format, schema: '', whole }
    session.ask('detail', asked).then(
      (value) => {
        if (!isStale) setAnswer(value)
      },
      () => {},
    )
    return () => {
      isStale = true
    }
  }, [session, selection, format, whole, watchedSeq, schemas, profile])
  return answer
}

export function DetailPane({ session }: { session: SessionHandle }) {
  const t = useText()
  const answer = useDetail(session)
  const selection = useStore(session.store, (state) => state.selection)
  const format = useStore(session.store, (state) => state.format)
  const [tab, setTab] = useState<Tab>('payload')
  const close = () => {
    session.select(null)
    app.set({ pane: 'messages' })
  }
  return (
    <aside className="pane detail-pane" aria-label={t.detail}>
      <header className="detail-head">
        <Crumbs
          session={session}
          topic={
            answer?.detail.topic ??
            (selection !== null && 'topic' in selection ? selection.topic : '')
          }
        />
        <IconButton icon="close" label={t.close} onClick={close} />
      </header>
      {answer === null ? (
        <p className="empty">
          {selection !== null && 'topic' in selection ? t.noMessageOnTopic : t.messageGone}
        </p>
      ) : (
        <>
          <Facts answer={answer} />
          <DetailActions session={session} answer={answer} />
          <div className="detail-tabs">
            <Tabs<Tab>
              label={t.detail}
              value={tab}
              tabs={[
                ['payload', t.payload],
                ['diff', t.diff],
                ['history', t.history],
              ]}
              onChange={setTab}
            />
            <Select<Format>
              quiet
              label={t.decodeAs}
              value={format ?? 'auto'}
              options={FORMATS.map((name) => [
                name,
                name === 'auto'
                  ? t.foundFormat(t.formats[answer.decoded.decoded.format])
                  : t.formats[name],
              ])}
              onChange={(value) => session.store.set({ format: value === 'auto' ? null : value })}
            />
          </div>
          {tab === 'payload' && <PayloadView session={session} answer={answer} />}
          {tab === 'diff' && <Difference session={session} answer={answer} />}
          {tab === 'history' && (
            <HistoryList session={session} topic={answer.detail.topic} newest={answer.detail.seq} />
          )}
        </>
      )}
    </aside>
  )
}

/** Against the message that was chosen for it, else against the one before on the same topic. */
function Difference({ session, answer }: { session: SessionHandle; answer: DetailAnswer }) {
  const t = useText()
  const compareSeq = useStore(session.store, (state) => state.compareSeq)
  const format = useStore(session.store, (state) => state.format)
  const [other, setOther] = useState<DetailAnswer | null>(null)
  useEffect(() => {
    setOther(null)
    if (compareSeq === null) return
    const asked = { seq: compareSeq, topic: null, format, schema: '', whole: false }
    session.ask('detail', asked).then(setOther, () => {})
  }, [session, compareSeq, format])
  if (compareSeq === null || other === null)
    return <DiffView before={answer.previousText} after={answer.text} />
  return (
    <>
      <p className="part-note">
        {t.comparedWith(other.detail.topic, clockText(other.detail.timeMs))}{' '}
        <button
          type="button"
          className="link-button"
          onClick={() => session.store.set({ compareSeq: null })}
        >
          {t.compareWithPrevious}
        </button>
      </p>
      <DiffView before={other.text} after={answer.text} />
    </>
  )
}

/** The topic level by level; a level narrows the list to what is below it. */
function Crumbs({ session, topic }: { session: SessionHandle; topic: string }) {
  const t = useText()
  const levels = topic.split('/')
  return (
    <nav className="crumbs mono" aria-label={t.topic}>
      {levels.map((level, at) => {
        const path = levels.slice(0, at + 1).join('/')
        const filter = at === levels.length - 1 ? path : `${path}/#`
        return (
          <span key={path}>
            <button
              type="button"
              title={t.showOnly(filter)}
              onClick={() => session.show({ query: `topic:"${filter}"`, follow: true })}
            >
              {level === '' ? '∅' : level}
            </button>
            {at < levels.length - 1 && <i>/</i>}
          </span>
        )
      })}
    </nav>
  )
}

function Facts({ answer }: { answer: DetailAnswer }) {
  const t = useText()
  const language = useLanguage()
  const { detail } = answer
  return (
    <div className="facts">
      <p>
        <span className={`chip is-${detail.direction}`}>
          {detail.direction === 'in' ? `↓ ${t.received}` : `↑ ${t.published}`}
        </span>
        <span className="chip">QoS {detail.qos}</span>
        {detail.retain && <span className="chip is-accent">{t.retained}</span>}
        {detail.dup && <span className="chip">DUP</span>}
        <span className="chip">{bytesText(detail.size)}</span>
        {detail.packetId > 0 && <span className="chip">{t.packetId(detail.packetId)}</span>}
        <time className="is-quiet">{dateTimeText(detail.timeMs)}</time>
        {detail.sincePreviousMs !== null && (
          <span className="is-quiet">
            {t.afterPrevious(deltaText(detail.sincePreviousMs, language))}
          </span>
        )}
      </p>
      {detail.properties !== null && <PropertyList properties={detail.properties} />}
    </div>
  )
}
