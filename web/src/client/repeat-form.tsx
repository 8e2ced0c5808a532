/** The same message again and again, by the clock. */
import { useState } from 'react'
import type { Draft } from '../model/message.ts'
import { PLACEHOLDER_NAMES } from '../publish/template.ts'
import { notify } from '../state/app-state.ts'
import { Icon } from '../ui/icons.tsx'
import { TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function RepeatForm({ session, draft }: { session: SessionHandle; draft: Draft }) {
  const t = useText()
  const isOnline = useStore(session.store, ({ status }) => status.kind === 'online')
  const [every, setEvery] = useState('1000')
  const [count, setCount] = useState('0')
  const start = () => {
    const timing = {
      everyMs: Math.max(1, Number(every) || 1000),
      count: Math.max(0, Number(count) || 0),
    }
    session
      .ask('startRepeat', { draft, timing })
      .catch((error: unknown) => notify(t.problem(String(error)), true))
  }
  return (
    <div className="publish-extra repeat">
      <TextField
        label={t.withUnit(t.every, 'ms')}
        type="number"
        min={1}
        value={every}
        onChange={setEvery}
      />
      <TextField
        label={t.times}
        type="number"
        min={0}
        value={count}
        hint={t.zeroIsEndless}
        onChange={setCount}
      />
      <button
        type="button"
        className="button"
        disabled={!isOnline || draft.topic === ''}
        onClick={start}
      >
        <Icon name="play" size={14} /> {t.start}
      </button>
      <p className="hint">
        {t.sentences([t.placeholders, ''])}
        {PLACEHOLDER_NAMES.map((name) => (
          <code key={name}>{`{{${name}}}`}</code>
        ))}
      </p>
    </div>
  )
}
