/** What is being sent by the clock, and how far it is. */
import { countText } from '../ui/format.ts'
import { IconButton } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

export function JobList({ session }: { session: SessionHandle }) {
  const t = useText()
  const jobs = useStore(session.store, (state) => state.jobs)
  if (jobs.length === 0) return null
  return (
    <ul className="job-list">
      {jobs.slice(-3).map(({ id, kind, total, sent, confirmed, failed, problem, running }) => (
        <li key={id} className={running ? 'is-running' : ''}>
          <span>{t.jobs[kind]}</span>
          {total !== null && <progress value={sent} max={total} aria-label={t.jobs[kind]} />}
          <span className="mono">
            {countText(sent)}
            {total !== null && ` / ${countText(total)}`}
          </span>
          <span className="is-quiet">{t.jobConfirmed(countText(confirmed))}</span>
          {failed > 0 && (
            <span className="problem" title={problem ?? ''}>
              {t.jobFailed(countText(failed))}
            </span>
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
