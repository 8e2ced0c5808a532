/** Two texts, and what differs between them. */
import { useMemo } from 'react'
import { diffLines } from '../decode/diff.ts'
import { useText } from '../ui/text.ts'

const MARKS = { same: ' ', added: '+', removed: '−' } as const

/** What changed against the message before on the same topic. */
export function DiffView({ before, after }: { before: string | null; after: string }) {
  const t = useText()
  const lines = useMemo(() => (before === null ? [] : diffLines(before, after)), [before, after])
  if (before === null) return <p className="empty">{t.noPrevious}</p>
  if (lines.every(({ kind }) => kind === 'same')) return <p className="empty">{t.noDifference}</p>
  return (
    <div className="payload" tabIndex={0} role="region" aria-label={t.diff}>
      <pre className="code diff">
        {lines.map(({ kind, text }, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- lines have no identity but their place
          <div key={at} className={`diff-${kind}`}>
            <span aria-hidden="true">{MARKS[kind]} </span>
            {kind !== 'same' && <span className="visually-hidden">{t.diffKinds[kind]} </span>}
            {text}
          </div>
        ))}
      </pre>
    </div>
  )
}
