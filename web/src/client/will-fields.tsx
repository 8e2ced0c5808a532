/** The will, with its properties. */
import type { Will } from '../model/profile.ts'
import { Check, Field, Pairs, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { changes, FRESH, Section, type SectionProps } from './form-section.tsx'

/** Known without loading anything: a will is part of CONNECT. */
const WILL_FORMATS = ['text', 'json', 'hex', 'base64'] as const

export function WillFields({ profile, put }: SectionProps) {
  const t = useText()
  const { will } = profile
  const putWill = (patch: Partial<Will>) => put({ will: { ...will, ...patch } })
  return (
    <Section
      title={t.will}
      changed={will.on ? changes(will, FRESH.will, Object.keys(will) as (keyof Will)[]) : 0}
    >
      <p className="hint">{t.willText}</p>
      <Check label={t.willOn} checked={will.on} onChange={(on) => put({ will: { ...will, on } })} />
      {will.on && <SetWill will={will} putWill={putWill} hasProperties={profile.version === 5} />}
    </Section>
  )
}

interface SetWillProps {
  will: Will
  putWill: (patch: Partial<Will>) => void
}

function SetWill({ will, putWill, hasProperties }: SetWillProps & { hasProperties: boolean }) {
  const t = useText()
  return (
    <>
      <div className="grid">
        <TextField
          label={t.topic}
          mono
          value={will.topic}
          onChange={(topic) => putWill({ topic })}
        />
        <Select
          label="QoS"
          value={will.qos}
          options={[
            [0, '0'],
            [1, '1'],
            [2, '2'],
          ]}
          onChange={(qos) => putWill({ qos })}
        />
        <Field label={t.payload} className="is-wide">
          {(fieldId) => (
            <textarea
              id={fieldId}
              className="mono"
              rows={2}
              value={will.payload}
              onChange={(event) => putWill({ payload: event.target.value })}
            />
          )}
        </Field>
        <Select
          label={t.format}
          value={will.format}
          options={WILL_FORMATS.map((format) => [format, t.formats[format]])}
          onChange={(format) => putWill({ format })}
        />
        <Check label={t.retain} checked={will.retain} onChange={(retain) => putWill({ retain })} />
      </div>
      {hasProperties && <WillProperties will={will} putWill={putWill} />}
    </>
  )
}

function WillProperties({ will, putWill }: SetWillProps) {
  const t = useText()
  return (
    <>
      <div className="grid">
        <TextField
          label={t.withUnit(t.willDelay, 's')}
          type="number"
          value={will.delaySeconds}
          placeholder="0"
          onChange={(delaySeconds) => putWill({ delaySeconds })}
        />
        <TextField
          label={t.withUnit(t.messageExpiry, 's')}
          type="number"
          value={will.expirySeconds}
          onChange={(expirySeconds) => putWill({ expirySeconds })}
        />
        <TextField
          label={t.contentType}
          value={will.contentType}
          placeholder="application/json"
          onChange={(contentType) => putWill({ contentType })}
        />
        <TextField
          label={t.responseTopic}
          mono
          value={will.responseTopic}
          onChange={(responseTopic) => putWill({ responseTopic })}
        />
        <TextField
          label={t.correlationData}
          value={will.correlation}
          hint={t.hexHint}
          onChange={(correlation) => putWill({ correlation })}
        />
        <Check
          label={t.payloadFormatIndicator}
          checked={will.payloadFormat}
          onChange={(payloadFormat) => putWill({ payloadFormat })}
        />
      </div>
      <Pairs
        label={t.userProperties}
        pairs={will.userProperties}
        onChange={(userProperties) => putWill({ userProperties })}
      />
    </>
  )
}
