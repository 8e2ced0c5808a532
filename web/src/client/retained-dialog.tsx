/** Finds retained messages by a filter, shows them, and removes those that are ticked. */
import { useState, type FormEvent } from 'react'
import { topicFilterProblem } from '../../../src/topics/names.ts'
import type { Questions, RetainedFound } from '../protocol/protocol.ts'
import { app } from '../state/app-state.ts'
import { bytesText, countText } from '../ui/format.ts'
import { Dialog, TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { useOutcome } from '../ui/use-outcome.ts'

const LISTED = 300

const NOTHING: Questions['findRetained'][1] = { found: [], total: 0, problem: null }

/** What was found with this filter, and which of it a person wants to keep. */
function useFound(session: SessionHandle, filter: string) {
  const [isSearching, setSearching] = useState(false)
  const [kept, setKept] = useState<ReadonlySet<string>>(new Set())
  const { value, problem, run } = useOutcome(filter, () => session.ask('findRetained', { filter }))
  const find = async () => {
    setSearching(true)
    setKept(new Set())
    await run()
    setSearching(false)
  }
  const toggle = (topic: string) => {
    const next = new Set(kept)
    if (!next.delete(topic)) next.add(topic)
    setKept(next)
  }
  const failed = problem === null ? null : { ...NOTHING, problem }
  const result = isSearching ? null : (value ?? failed)
  const found = result?.found ?? []
  return { isSearching, result, found, kept, find, toggle }
}

export function RetainedDialog({
  session,
  filter: initial,
}: {
  session: SessionHandle
  filter: string
}) {
  const t = useText()
  const isOnline = useStore(session.store, ({ status }) => status.kind === 'online')
  const [filter, setFilter] = useState(initial)
  const { isSearching, result, found, kept, find, toggle } = useFound(session, filter)
  const close = () => app.set({ dialog: null })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void find()
  }
  const chosen = found.filter(({ topic }) => !kept.has(topic)).map(({ topic }) => topic)
  const remove = async () => {
    await session.ask('clearRetained', { topics: chosen })
    close()
  }
  return (
    <Dialog
      title={t.clearRetained}
      onClose={close}
      footer={
        <button
          type="button"
          className="button is-danger"
          disabled={chosen.length === 0 || !isOnline}
          onClick={() => void remove()}
        >
          {t.removeRetained(countText(chosen.length))}
        </button>
      }
    >
      <p className="hint">{t.clearRetainedText}</p>
      <form className="with-button" onSubmit={submit}>
        <TextField
          label={t.topicFilter}
          mono
          value={filter}
          placeholder="home/#"
          onChange={setFilter}
        />
        <button
          type="submit"
          className="button is-primary"
          disabled={!isOnline || topicFilterProblem(filter) !== null}
        >
          {t.find}
        </button>
      </form>
      <div role="status">
        {isSearching && <p className="empty">{t.searching}</p>}
        {result !== null && (
          <p>
            {result.problem === null
              ? t.retainedFound(countText(result.total))
              : t.problem(result.problem)}
          </p>
        )}
      </div>
      <FoundList found={found} kept={kept} toggle={toggle} />
    </Dialog>
  )
}

interface FoundListProps {
  found: readonly RetainedFound[]
  kept: ReadonlySet<string>
  toggle: (topic: string) => void
}

function FoundList({ found, kept, toggle }: FoundListProps) {
  const t = useText()
  return (
    <ul className="retained-list">
      {found.slice(0, LISTED).map(({ topic, size, preview }) => (
        <li key={topic}>
          <label className="check">
            <input type="checkbox" checked={!kept.has(topic)} onChange={() => toggle(topic)} />
            <span className="mono">{topic}</span>
          </label>
          <span className="is-quiet">{bytesText(size)}</span>
          <span className="mono is-quiet preview">{preview}</span>
        </li>
      ))}
      {found.length > LISTED && (
        <li className="is-quiet">{t.andMore(countText(found.length - LISTED))}</li>
      )}
    </ul>
  )
}
