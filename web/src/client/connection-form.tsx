/** A connection's form: five fields, and sections for everything else CONNECT can say. */
import { useId, useState, type ReactNode } from 'react'
import { INPUT_FORMATS } from '../model/message.ts'
import { emptyProfile, newClientId, type Profile, type Will } from '../model/profile.ts'
import { parseAddress, profileProblem } from '../model/profile-rules.ts'
import { app, hereAddress, openProfile, profileOf, putProfile, sessionOf } from '../page/app-state.ts'
import { Icon } from '../page/icons.tsx'
import { Check, Dialog, Field, IconButton, Pairs, Select, TextField } from '../page/parts.tsx'
import { useText } from '../page/text.ts'

type Put = (patch: Partial<Profile>) => void

interface SectionProps {
  profile: Profile
  put: Put
}

export function ConnectionForm({ id }: { id: string | null }) {
  const t = useText()
  const [profile, setProfile] = useState<Profile>(() => profileOf(id) ?? emptyProfile(hereAddress()))
  const put: Put = (patch) => setProfile((before) => ({ ...before, ...patch }))
  const close = () => app.set({ dialog: null })
  const problem = profileProblem(profile)
  const save = () => putProfile({ ...profile, name: profile.name || profile.host })
  const connect = () => {
    save()
    const named = profileOf(profile.id)
    if (named === undefined) return
    const open = sessionOf(profile.id)
    openProfile(named)
    open?.send({ kind: 'connect' })
  }
  const formId = useId()
  return (
    <Dialog
      title={id === null ? t.newConnection : t.editConnection}
      onClose={close}
      className="sheet"
      footer={
        <>
          <span className="problem" role="alert">
            {problem !== null && t.profileProblems[problem]}
          </span>
          <button type="button" className="button" disabled={problem !== null} onClick={() => { save(); close() }}>
            {t.save}
          </button>
          <button type="submit" form={formId} className="button is-primary" disabled={problem !== null}>
            {t.saveAndConnect}
          </button>
        </>
      }
    >
      <form
        id={formId}
        className="connection-form"
        onSubmit={(event) => {
          event.preventDefault()
          connect()
        }}
      >
        <BasicFields profile={profile} put={put} />
        <AdvancedFields profile={profile} put={put} />
        {profile.version === 5 && <Version5Fields profile={profile} put={put} />}
        <WillFields profile={profile} put={put} />
        <Section title={t.tls} changed={0}>
          <p className="hint">{t.tlsText}</p>
        </Section>
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}

function Section({ title, changed, children }: { title: string; changed: number; children: ReactNode }) {
  const t = useText()
  return (
    <details className="section">
      <summary>
        <Icon name="chevron" size={14} />
        {title}
        {changed > 0 && <span className="chip">{t.changed(changed)}</span>}
      </summary>
      <div className="section-body">{children}</div>
    </details>
  )
}

/** How many of the members differ from a fresh connection's. */
function changes<T extends object>(value: T, fresh: T, names: readonly (keyof T)[]): number {
  return names.filter((name) => JSON.stringify(value[name]) !== JSON.stringify(fresh[name])).length
}

const FRESH = emptyProfile({ scheme: 'ws', host: '', port: 80, path: '' })

function BasicFields({ profile, put }: SectionProps) {
  const t = useText()
  const paste = (text: string) => {
    const address = parseAddress(text)
    if (address !== null) put(address)
    return address !== null
  }
  return (
    <div className="grid">
      <TextField label={t.name} value={profile.name} placeholder={profile.host} onChange={(name) => put({ name })} />
      <TextField label={t.folder} value={profile.folder} onChange={(folder) => put({ folder })} />
      <Select
        label={t.protocol}
        value={profile.scheme}
        options={[
          ['ws', 'ws://'],
          ['wss', 'wss:// (TLS)'],
        ]}
        onChange={(scheme) => put({ scheme })}
      />
      <TextField
        label={t.host}
        value={profile.host}
        hint={t.hostHint}
        mono
        onChange={(host) => {
          if (!paste(host)) put({ host })
        }}
      />
      <TextField label={t.port} type="number" min={1} max={65535} value={String(profile.port)} onChange={(port) => put({ port: Number(port) })} />
      <TextField label={t.path} value={profile.path} mono onChange={(path) => put({ path })} />
      <Field label={t.clientId}>
        {(fieldId) => (
          <div className="with-button">
            <input id={fieldId} className="mono" value={profile.clientId} onChange={(event) => put({ clientId: event.target.value })} />
            <IconButton icon="play" label={t.newClientId} onClick={() => put({ clientId: newClientId() })} />
          </div>
        )}
      </Field>
      <Select
        label={t.version}
        value={profile.version}
        options={[
          [5, 'MQTT 5.0'],
          [4, 'MQTT 3.1.1'],
          [3, 'MQTT 3.1'],
        ]}
        onChange={(version) => put({ version })}
      />
      <TextField label={t.username} value={profile.username} onChange={(username) => put({ username })} />
      <TextField label={t.password} type="password" value={profile.password} onChange={(password) => put({ password })} />
      <Check label={t.rememberPassword} hint={t.rememberPasswordHint} checked={profile.rememberPassword} onChange={(rememberPassword) => put({ rememberPassword })} />
    </div>
  )
}

function AdvancedFields({ profile, put }: SectionProps) {
  const t = useText()
  const changed = changes(profile, FRESH, ['keepAliveSeconds', 'connectTimeoutSeconds', 'cleanStart', 'reconnect', 'reconnectMs', 'reconnectsMax'])
  const number = (name: 'keepAliveSeconds' | 'connectTimeoutSeconds' | 'reconnectMs' | 'reconnectsMax') => ({
    type: 'number' as const,
    min: 0,
    value: String(profile[name]),
    onChange: (text: string) => put({ [name]: Number(text) }),
  })
  return (
    <Section title={t.advanced} changed={changed}>
      <div className="grid">
        <TextField label={`${t.keepAlive} (s)`} {...number('keepAliveSeconds')} />
        <TextField label={`${t.connectTimeout} (s)`} {...number('connectTimeoutSeconds')} />
        <Check label={profile.version === 5 ? 'Clean Start' : 'Clean Session'} checked={profile.cleanStart} onChange={(cleanStart) => put({ cleanStart })} />
        <Check label={t.autoReconnect} checked={profile.reconnect} onChange={(reconnect) => put({ reconnect })} />
        {profile.reconnect && <TextField label={`${t.reconnectPeriod} (ms)`} {...number('reconnectMs')} />}
        {profile.reconnect && <TextField label={t.reconnectsMax} hint={t.zeroIsEndless} {...number('reconnectsMax')} />}
      </div>
    </Section>
  )
}

const V5_FIELDS = [
  'sessionExpirySeconds',
  'receiveMaximum',
  'maximumPacketSize',
  'topicAliasMaximum',
  'requestResponseInformation',
  'requestProblemInformation',
  'userProperties',
  'authenticationMethod',
  'authenticationData',
] as const

function Version5Fields({ profile, put }: SectionProps) {
  const t = useText()
  return (
    <Section title="MQTT 5.0" changed={changes(profile, FRESH, V5_FIELDS)}>
      <div className="grid">
        <TextField label={`${t.sessionExpiry} (s)`} type="number" value={profile.sessionExpirySeconds} placeholder="0" onChange={(sessionExpirySeconds) => put({ sessionExpirySeconds })} />
        <TextField label={t.receiveMaximum} type="number" value={profile.receiveMaximum} placeholder="65535" onChange={(receiveMaximum) => put({ receiveMaximum })} />
        <TextField label={`${t.maximumPacketSize} (B)`} type="number" value={profile.maximumPacketSize} placeholder={t.unlimited} onChange={(maximumPacketSize) => put({ maximumPacketSize })} />
        <TextField label={t.topicAliasMaximum} type="number" value={profile.topicAliasMaximum} placeholder="0" onChange={(topicAliasMaximum) => put({ topicAliasMaximum })} />
        <Check label={t.requestResponseInformation} checked={profile.requestResponseInformation} onChange={(requestResponseInformation) => put({ requestResponseInformation })} />
        <Check label={t.requestProblemInformation} checked={profile.requestProblemInformation} onChange={(requestProblemInformation) => put({ requestProblemInformation })} />
        <TextField label={t.authenticationMethod} value={profile.authenticationMethod} onChange={(authenticationMethod) => put({ authenticationMethod })} />
        <TextField label={t.authenticationData} value={profile.authenticationData} hint={t.hexHint} onChange={(authenticationData) => put({ authenticationData })} />
      </div>
      <Pairs label={t.userProperties} pairs={profile.userProperties} onChange={(userProperties) => put({ userProperties })} />
    </Section>
  )
}

function WillFields({ profile, put }: SectionProps) {
  const t = useText()
  const { will } = profile
  const putWill = (patch: Partial<Will>) => put({ will: { ...will, ...patch, on: true } })
  return (
    <Section title={t.will} changed={will.on ? changes(will, FRESH.will, Object.keys(will) as (keyof Will)[]) : 0}>
      <p className="hint">{t.willText}</p>
      <Check label={t.willOn} checked={will.on} onChange={(on) => put({ will: { ...will, on } })} />
      <div className="grid">
        <TextField label={t.topic} mono value={will.topic} onChange={(topic) => putWill({ topic })} />
        <Select label="QoS" value={will.qos} options={[[0, '0'], [1, '1'], [2, '2']]} onChange={(qos) => putWill({ qos })} />
        <Field label={t.payload} className="is-wide">
          {(fieldId) => (
            <textarea id={fieldId} className="mono" rows={2} value={will.payload} onChange={(event) => putWill({ payload: event.target.value })} />
          )}
        </Field>
        <Select label={t.format} value={will.format} options={INPUT_FORMATS.map((format) => [format, t.formats[format]])} onChange={(format) => putWill({ format })} />
        <Check label={t.retain} checked={will.retain} onChange={(retain) => putWill({ retain })} />
      </div>
      {profile.version === 5 && <WillProperties will={will} putWill={putWill} />}
    </Section>
  )
}

function WillProperties({ will, putWill }: { will: Will; putWill: (patch: Partial<Will>) => void }) {
  const t = useText()
  return (
    <>
      <div className="grid">
        <TextField label={`${t.willDelay} (s)`} type="number" value={will.delaySeconds} placeholder="0" onChange={(delaySeconds) => putWill({ delaySeconds })} />
        <TextField label={`${t.messageExpiry} (s)`} type="number" value={will.expirySeconds} onChange={(expirySeconds) => putWill({ expirySeconds })} />
        <TextField label={t.contentType} value={will.contentType} placeholder="application/json" onChange={(contentType) => putWill({ contentType })} />
        <TextField label={t.responseTopic} mono value={will.responseTopic} onChange={(responseTopic) => putWill({ responseTopic })} />
        <TextField label={t.correlationData} value={will.correlation} hint={t.hexHint} onChange={(correlation) => putWill({ correlation })} />
        <Check label={t.payloadFormatIndicator} checked={will.payloadFormat} onChange={(payloadFormat) => putWill({ payloadFormat })} />
      </div>
      <Pairs label={t.userProperties} pairs={will.userProperties} onChange={(userProperties) => putWill({ userProperties })} />
    </>
  )
}
