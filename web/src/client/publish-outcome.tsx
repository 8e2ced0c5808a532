/** What became of a message that was published from the dock. */
import type { Qos } from '../model/message.ts'
import type { PublishResult } from '../protocol/protocol.ts'
import { reasonWords } from '../i18n/reasons.ts'
import { Icon } from '../ui/icons.tsx'
import { useLanguage, useText } from '../ui/text.ts'

interface Props {
  /** What the broker said, or why nothing was sent; null: nothing was tried yet. */
  readonly outcome: PublishResult | string | null
  /** An answer is awaited for longer than one should take. */
  readonly isLate: boolean
  readonly qos: Qos
}

export function PublishOutcome({ outcome, isLate, qos }: Props) {
  const t = useText()
  const language = useLanguage()
  if (isLate)
    return (
      <span role="status" className="is-warning">
        {t.notConfirmed}
      </span>
    )
  if (outcome === null) return <span className="is-quiet">{t.sendHint}</span>
  if (typeof outcome === 'string')
    return (
      <span className="problem" role="alert">
        {t.problem(outcome)}
      </span>
    )
  const words = reasonWords(outcome.code, language) ?? ''
  if (!outcome.ok)
    return <span className="problem" role="alert">{`${words} ${outcome.reason}`}</span>
  if (qos === 0)
    return (
      <span role="status" className="is-quiet">
        {t.sent}
      </span>
    )
  return (
    <span role="status" className="is-good">
      <Icon name="check" size={14} /> {t.confirmed(outcome.roundTripMs.toFixed(1))}{' '}
      {outcome.code > 0 && words}
    </span>
  )
}
