/** A connection's form: five fields, and sections for everything else CONNECT can say. */
import { useId, useState } from 'react'
import { isSameHost } from '../model/connect-causes.ts'
import { newClientId, scramHash, type Profile } from '../model/profile.ts'
import { parseAddress } from '../publish/pasted-address.ts'
import { profileProblem } from '../publish/profile-rules.ts'
import {
  app,
  hereAddress,
  openProfile,
  profileOf,
  putConnection,
  sessionOf,
} from '../state/app-state.ts'
import { Check, Dialog, Field, IconButton, Pairs, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { changes, FRESH, Section, type SectionProps } from './form-section.tsx'
import { fieldLabels, useProfileDraft } from './profile-draft.ts'
import { TlsSection } from './tls-section.tsx'
import { WillFields } from './will-fields.tsx'

export function ConnectionForm({ id, draft }: { id: string | null; draft?: Profile | undefined }) {
  const t = useText()
  const { before, profile, put, clashes } = useProfileDraft(id, draft)
  const close = () => app.set({ dialog: null })
  const problem = profileProblem(profile)
  const save = () => putConnection({ ...profile, name: profile.name || profile.host }, before)
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
          <span className={problem === null ? 'is-warning' : 'problem'} role="alert">
            {problem !== null
              ? t.profileProblems[problem]
              : clashes.length > 0 && t.otherTabChanged(fieldLabels(clashes, t))}
          </span>
          <button
            type="button"
            className="button"
            disabled={problem !== null}
            onClick={() => {
              save()
              close()
            }}
          >
            {t.save}
          </button>
          <button
            type="submit"
            form={formId}
            className="button is-primary"
            disabled={problem !== null}
          >
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
        <TlsSection profile={profile} />
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}

function BasicFields({ profile, put }: SectionProps) {
  const t = useText()
  const [pasted, setPasted] = useState<'pastedMqtt' | 'pastedMqttHere' | null>(null)
  const paste = (text: string) => {
    const address = parseAddress(text)
    if (address !== null) {
      const { fields, isMqtt } = address
      const here = hereAddress()
      // Of the broker that the page came from the WebSocket is known.
      const isHere = isMqtt && isSameHost(fields.host ?? '', here.host)
      put({ ...fields, ...(isHere && here) })
      setPasted(isHere ? 'pastedMqttHere' : isMqtt ? 'pastedMqtt' : null)
    }
    return address !== null
  }
  return (
    <div className="grid">
      <TextField
        label={t.name}
        value={profile.name}
        placeholder={profile.host}
        onChange={(name) => put({ name })}
      />
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
        hint={t[pasted ?? 'hostHint']}
        mono
        onChange={(host) => {
          if (!paste(host)) put({ host })
        }}
      />
      <TextField
        label={t.port}
        type="number"
        min={1}
        max={65535}
        value={String(profile.port)}
        onChange={(port) => put({ port: Number(port) })}
      />
      <TextField label={t.path} value={profile.path} mono onChange={(path) => put({ path })} />
      <IdentityFields profile={profile} put={put} />
    </div>
  )
}

/** Who this client is to the broker. */
function IdentityFields({ profile, put }: SectionProps) {
  const t = useText()
  return (
    <>
      <Field label={t.clientId}>
        {(fieldId) => (
          <div className="with-button">
            <input
              id={fieldId}
              className="mono"
              value={profile.clientId}
              onChange={(event) => put({ clientId: event.target.value })}
            />
            <IconButton
              icon="refresh"
              label={t.newClientId}
              onClick={() => put({ clientId: newClientId() })}
            />
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
      <TextField
        label={t.username}
        value={profile.username}
        onChange={(username) => put({ username })}
      />
      <TextField
        label={t.password}
        type="password"
        value={profile.password}
        onChange={(password) => put({ password })}
      />
      {profile.version === 5 && (
        <Select
          label={t.passwordGoes}
          value={scramHash(profile) === null ? '' : profile.authenticationMethod}
          options={[
            ['', t.passwordSent],
            ['SCRAM-SHA-256', 'SCRAM-SHA-256'],
            ['SCRAM-SHA-512', 'SCRAM-SHA-512'],
          ]}
          onChange={(authenticationMethod) => put({ authenticationMethod })}
        />
      )}
      <Check
        label={t.rememberPassword}
        hint={t.rememberPasswordHint}
        checked={profile.rememberPassword}
        onChange={(rememberPassword) => put({ rememberPassword })}
      />
    </>
  )
}

function AdvancedFields({ profile, put }: SectionProps) {
  const t = useText()
  const changed = changes(profile, FRESH, [
    'keepAliveSeconds',
    'connectTimeoutSeconds',
    'cleanStart',
    'reconnect',
    'reconnectMs',
    'reconnectsMax',
  ])
  const number = (
    name: 'keepAliveSeconds' | 'connectTimeoutSeconds' | 'reconnectMs' | 'reconnectsMax',
  ) => ({
    type: 'number' as const,
    min: 0,
    value: String(profile[name]),
    onChange: (text: string) => put({ [name]: Number(text) }),
  })
  return (
    <Section title={t.advanced} changed={changed}>
      <div className="grid">
        <TextField label={t.withUnit(t.keepAlive, 's')} {...number('keepAliveSeconds')} />
        <TextField label={t.withUnit(t.connectTimeout, 's')} {...number('connectTimeoutSeconds')} />
        <Check
          label={profile.version === 5 ? t.cleanStart : t.cleanSession}
          checked={profile.cleanStart}
          onChange={(cleanStart) => put({ cleanStart })}
        />
        <Check
          label={t.autoReconnect}
          checked={profile.reconnect}
          onChange={(reconnect) => put({ reconnect })}
        />
        {profile.reconnect && (
          <TextField label={t.withUnit(t.reconnectPeriod, 'ms')} {...number('reconnectMs')} />
        )}
        {profile.reconnect && (
          <TextField label={t.reconnectsMax} hint={t.zeroIsEndless} {...number('reconnectsMax')} />
        )}
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
        <TextField
          label={t.withUnit(t.sessionExpiry, 's')}
          type="number"
          value={profile.sessionExpirySeconds}
          placeholder="0"
          onChange={(sessionExpirySeconds) => put({ sessionExpirySeconds })}
        />
        <TextField
          label={t.receiveMaximum}
          type="number"
          value={profile.receiveMaximum}
          placeholder="65535"
          onChange={(receiveMaximum) => put({ receiveMaximum })}
        />
        <TextField
          label={t.withUnit(t.maximumPacketSize, 'B')}
          type="number"
          value={profile.maximumPacketSize}
          placeholder={t.unlimited}
          onChange={(maximumPacketSize) => put({ maximumPacketSize })}
        />
        <TextField
          label={t.topicAliasMaximum}
          type="number"
          value={profile.topicAliasMaximum}
          placeholder="0"
          onChange={(topicAliasMaximum) => put({ topicAliasMaximum })}
        />
        <Check
          label={t.requestResponseInformation}
          checked={profile.requestResponseInformation}
          onChange={(requestResponseInformation) => put({ requestResponseInformation })}
        />
        <Check
          label={t.requestProblemInformation}
          checked={profile.requestProblemInformation}
          onChange={(requestProblemInformation) => put({ requestProblemInformation })}
        />
        <TextField
          label={t.authenticationMethod}
          value={profile.authenticationMethod}
          onChange={(authenticationMethod) => put({ authenticationMethod })}
        />
        <TextField
          label={t.authenticationData}
          value={profile.authenticationData}
          hint={t.hexHint}
          onChange={(authenticationData) => put({ authenticationData })}
        />
      </div>
      <Pairs
        label={t.userProperties}
        pairs={profile.userProperties}
        onChange={(userProperties) => put({ userProperties })}
      />
    </Section>
  )
}
