/** What became of a message that was published from the dock. */
import type { Qos } from '../model/message.ts'
import type { PublishResult } from '../protocol/protocol.ts'
import type { Text } from '../i18n/en.ts'
import { reasonWords } from '../i18n/reasons.ts'
import type { Language } from '../model/settings.ts'
import { notify } from '../state/app-state.ts'
import { Icon } from '../ui/icons.tsx'
import { languageNow, textNow, useLanguage, useText } from '../ui/text.ts'

interface Props {
  /** What the broker said, or why nothing was sent; null: nothing was tried yet. */
  readonly outcome: PublishResult | string | null
  /** An answer is awaited for longer than one should take. */
  readonly isLate: boolean
  readonly qos: Qos
}

/** Why nothing was sent or taken; null: it was. */
function refusalWords(outcome: PublishResult | string, t: Text, language: Language): string | null {
  if (typeof outcome === 'string') return t.problem(outcome)
  return outcome.ok ? null : `${reasonWords(outcome.code, language) ?? ''} ${outcome.reason}`.trim()
}

/** For a message that is no longer in the dock. */
export function notifyRefusal(topic: string, outcome: PublishResult | string): void {
  const words = refusalWords(outcome, textNow(), languageNow())
  if (words !== null) notify(textNow().labelled(topic, words), true)
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
  const refusal = refusalWords(outcome, t, language)
  if (typeof outcome === 'string' || refusal !== null)
    return (
      <span className="problem" role="alert">
        {refusal}
      </span>
    )
  if (qos === 0)
    return (
      <span role="status" className="is-quiet">
        {t.sent}
      </span>
    )
  return (
    <span role="status" className="is-good">
      <Icon name="check" size={14} /> {t.confirmed(outcome.roundTripMs.toFixed(1))}{' '}
      {outcome.code > 0 && reasonWords(outcome.code, language)}
    </span>
  )
}
