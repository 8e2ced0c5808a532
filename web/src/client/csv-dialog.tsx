/** One message a row: the draft's topic and payload with the row's values in them. */
import { useEffect, useMemo, useState } from 'react'
import type { Draft } from '../model/message.ts'
import { parseCsv } from '../publish/csv.ts'
import type { RowProblem, RowsFound } from '../publish/csv-rows.ts'
import { withEscape } from '../publish/outgoing.ts'
import { expand } from '../publish/template.ts'
import { app, notify } from '../state/app-state.ts'
import { pickFile } from '../ui/files.ts'
import { countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Dialog, Field, TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

const PREVIEW_ROWS = 3

type Table = ReturnType<typeof parseCsv>

const NOTHING_FOUND: RowsFound = { bad: [], isNoneJson: false }

/** Looks at every row, then sends; what is wrong with them is said first. */
function useRun(session: SessionHandle, csv: string, perSecond: string) {
  const t = useText()
  const draft = useStore(session.store, (state) => state.draft)
  const [found, setFound] = useState(NOTHING_FOUND)
  useEffect(() => setFound(NOTHING_FOUND), [csv, draft])
  const start = async () => {
    const answer = await session.ask('startCsv', {
      draft,
      csv,
      perSecond: Math.max(0.1, Number(perSecond) || 50),
      anyway: found !== NOTHING_FOUND,
    })
    const { problem } = answer
    if (problem === null) app.set({ dialog: null })
    else if (problem === 'badRows') setFound(answer)
    else notify(t.csvProblems[problem as keyof typeof t.csvProblems], true)
  }
  return { found, start }
}

export function CsvDialog({ session }: { session: SessionHandle }) {
  const t = useText()
  const draft = useStore(session.store, (state) => state.draft)
  const isOnline = useStore(session.store, ({ status }) => status.kind === 'online')
  const [csv, setCsv] = useState('')
  const [perSecond, setPerSecond] = useState('50')
  const table = useMemo(() => parseCsv(csv), [csv])
  const { found, start } = useRun(session, csv, perSecond)
  const { bad, isNoneJson } = found
  const good = countText(table.rows.length - bad.length)
  const load = async () => {
    const file = await pickFile('.csv,.tsv,.txt,text/csv')
    if (file !== null) setCsv(await file.text())
  }
  return (
    <Dialog
      title={t.csvTitle}
      onClose={() => app.set({ dialog: null })}
      footer={
        <>
          <span className="is-quiet">{t.csvRows(countText(table.rows.length))}</span>
          <button
            type="button"
            className="button is-primary"
            disabled={!isOnline || table.rows.length <= bad.length || draft.topic === ''}
            onClick={() => void start()}
          >
            <Icon name="send" size={14} />{' '}
            {bad.length > 0
              ? t.publishGoodRows(good)
              : (isNoneJson ? t.publishRowsAnyway : t.publishRows)(good)}
          </button>
        </>
      }
    >
      <p className="hint">{t.csvText}</p>
      <div className="grid">
        <TemplateFields session={session} />
        <TextArea
          label="CSV"
          rows={6}
          value={csv}
          placeholder={'tag,price\n0001,12.90\n0002,3.50'}
          onChange={setCsv}
        />
        <TextField
          label={t.perSecondMax}
          type="number"
          min={1}
          value={perSecond}
          onChange={setPerSecond}
        />
        <button type="button" className="button" onClick={() => void load()}>
          <Icon name="file" size={14} /> {t.loadFile}
        </button>
      </div>
      {isNoneJson && (
        <p className="problem" role="alert">
          {t.noRowIsJson}
        </p>
      )}
      <BadRows bad={bad} />
      <Preview draft={draft} table={table} bad={bad} />
    </Dialog>
  )
}

/** Topic and payload of every row: the draft's own. */
function TemplateFields({ session }: { session: SessionHandle }) {
  const t = useText()
  const draft = useStore(session.store, (state) => state.draft)
  return (
    <>
      <TextField
        label={t.topic}
        mono
        className="is-wide"
        value={draft.topic}
        placeholder="store/12/tag/{{tag}}/price"
        onChange={(topic) => session.store.set({ draft: { ...draft, topic }, topicTyped: true })}
      />
      <TextArea
        label={t.payload}
        rows={2}
        value={draft.payload}
        placeholder={'{"price": {{price}}}'}
        onChange={(payload) => session.store.set({ draft: { ...draft, payload } })}
      />
    </>
  )
}

interface TextAreaProps {
  label: string
  rows: number
  value: string
  placeholder: string
  onChange: (value: string) => void
}

function TextArea({ label, onChange, ...rest }: TextAreaProps) {
  return (
    <Field label={label} className="is-wide">
      {(id) => (
        <textarea
          id={id}
          className="mono"
          onChange={(event) => onChange(event.target.value)}
          {...rest}
        />
      )}
    </Field>
  )
}

interface PreviewProps {
  draft: Draft
  table: Table
  bad: readonly RowProblem[]
}

/** The names of the columns, and what the first rows become; those that cannot be sent are crossed out. */
function Preview({ draft, table, bad }: PreviewProps) {
  const t = useText()
  const preview = table.rows.slice(0, PREVIEW_ROWS).map((row, at) => {
    const columns = new Map(table.columns.map((name, index) => [name, row[index] ?? '']))
    const context = { seq: at + 1, nowMs: 0, random: () => 0.5, columns }
    return {
      topic: expand(draft.topic, context),
      payload: expand(draft.payload, withEscape(draft, context)),
    }
  })
  return (
    <>
      {table.columns.length > 0 && (
        <p className="hint">
          {t.sentences([t.columns, ''])}
          {table.columns.map((name) => (
            <code key={name}>{`{{${name}}}`}</code>
          ))}
        </p>
      )}
      {preview.length > 0 && (
        <ul className="csv-preview mono" aria-label={t.preview}>
          {preview.map(({ topic, payload }, at) => (
            // oxlint-disable-next-line react/no-array-index-key -- rows have no identity but their place
            <li key={at} className={bad.some(({ row }) => row === at + 1) ? 'is-left-out' : ''}>
              <b>{topic}</b> {payload}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const BAD_SHOWN = 20

/** Rows that cannot be sent; nothing has been sent yet. */
function BadRows({ bad }: { bad: readonly RowProblem[] }) {
  const t = useText()
  if (bad.length === 0) return null
  return (
    <div className="problem" role="alert">
      <p>{t.badRows(countText(bad.length))}</p>
      <ul className="plain-list mono">
        {bad.slice(0, BAD_SHOWN).map(({ row, reason }) => (
          <li key={row}>{t.rowProblem(row, reason)}</li>
        ))}
      </ul>
      {bad.length > BAD_SHOWN && <p>{t.andMore(countText(bad.length - BAD_SHOWN))}</p>}
    </div>
  )
}
