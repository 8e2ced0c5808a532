/** What is being sent by the clock, and how far it is. */
import { csvField } from '../publish/csv.ts'
import { download } from '../ui/files.ts'
import { countText } from '../ui/format.ts'
import { IconButton } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function JobList({ session }: { session: SessionHandle }) {
  const t = useText()
  const jobs = useStore(session.store, (state) => state.jobs)
  if (jobs.length === 0) return null
  const saveResults = async (id: string) => {
    const results = await session.ask('jobResults', { id })
    const lines = results.map(({ row, result, reason }) =>
      [String(row), result, reason].map(csvField).join(','),
    )
    const text = ['row,result,reason', ...lines].join('\r\n')
    download('mozzie-csv-results.csv', new Blob([`\uFEFF${text}\r\n`], { type: 'text/csv' }))
  }
  return (
    <ul className="job-list">
      {jobs
        .slice(-3)
        .map(({ id, kind, total, sent, confirmed, unanswered, failed, problem, running }) => (
          <li key={id} className={running ? 'is-running' : ''}>
            <span>{t.jobs[kind]}</span>
            {total !== null && <progress value={sent} max={total} aria-label={t.jobs[kind]} />}
            <span className="mono">
              {countText(sent)}
              {total !== null && ` / ${countText(total)}`}
            </span>
            {(confirmed > 0 || unanswered === 0) && (
              <span className="is-quiet">{t.jobConfirmed(countText(confirmed))}</span>
            )}
            {unanswered > 0 && (
              <span className="is-quiet">{t.jobUnanswered(countText(unanswered))}</span>
            )}
            {failed > 0 && (
              <span className="problem">
                {t.jobFailed(countText(failed))}
                {problem !== null && t.because(t.problem(problem))}
              </span>
            )}
            {kind === 'csv' && !running && (
              <button type="button" className="link-button" onClick={() => void saveResults(id)}>
                {t.jobResults}
              </button>
            )}
            {failed > 0 && !running && kind !== 'repeat' && (
              <button
                type="button"
                className="link-button"
                onClick={() => void session.ask('retryJob', { id })}
              >
                {t.retryFailed}
              </button>
            )}
            {running && (
              <IconButton
                icon="stop"
                label={t.stop}
                onClick={() => void session.ask('stopJob', { id })}
              />
            )}
          </li>
        ))}
    </ul>
  )
}
