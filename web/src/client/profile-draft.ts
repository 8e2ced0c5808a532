/** What the form of a connection is filled with, while other tabs may change that connection too. */
import { useEffect, useState } from 'react'
import type { Text } from '../i18n/en.ts'
import { merge } from '../model/merge.ts'
import { emptyProfile, type Profile } from '../model/profile.ts'
import { app, hereAddress, profileOf } from '../state/app-state.ts'
import { useStore } from '../ui/store.ts'
import type { Put } from './form-section.tsx'

interface Draft {
  /** As it was stored when the form last looked; undefined: it is a new one. */
  readonly before: Profile | undefined
  readonly filled: Profile
  /** Changed here and in another tab. */
  readonly clashes: readonly string[]
}

/** Takes over what another tab has stored, but for what was changed here. */
function followed(draft: Draft, stored: Profile): Draft {
  if (draft.before === undefined) return draft
  const { value, clashes } = merge(draft.before, draft.filled, stored)
  return {
    before: stored,
    filled: value,
    clashes: [...new Set([...draft.clashes, ...clashes])],
  }
}

/** @param initial What a new connection is filled with. */
export function useProfileDraft(
  id: string | null,
  initial: Profile | undefined,
): { before: Profile | undefined; profile: Profile; put: Put; clashes: readonly string[] } {
  const stored = useStore(app, () => profileOf(id))
  const [draft, setDraft] = useState<Draft>(() => ({
    before: stored,
    filled: stored ?? initial ?? emptyProfile(hereAddress()),
    clashes: [],
  }))
  useEffect(() => {
    if (stored !== undefined) setDraft((now) => followed(now, stored))
  }, [stored])
  const put: Put = (patch) => setDraft((now) => ({ ...now, filled: { ...now.filled, ...patch } }))
  const { before, filled: profile } = draft
  const isOpen = (field: string) => valueAt(profile, field) !== valueAt(before, field)
  return { before, profile, put, clashes: draft.clashes.filter(isOpen) }
}

function valueAt(profile: Profile | undefined, field: string): string | undefined {
  const value = field
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], profile)
  return JSON.stringify(value)
}

/** Fields of a connection as its form calls them. */
const LABELS: Partial<Record<string, (t: Text) => string>> = {
  name: (t) => t.name,
  folder: (t) => t.folder,
  scheme: (t) => t.protocol,
  host: (t) => t.host,
  port: (t) => t.port,
  path: (t) => t.path,
  version: (t) => t.version,
  clientId: (t) => t.clientId,
  username: (t) => t.username,
  password: (t) => t.password,
  rememberPassword: (t) => t.rememberPassword,
  keepAliveSeconds: (t) => t.keepAlive,
  connectTimeoutSeconds: (t) => t.connectTimeout,
  cleanStart: (t) => t.cleanStart,
  reconnect: (t) => t.autoReconnect,
  reconnectMs: (t) => t.reconnectPeriod,
  reconnectsMax: (t) => t.reconnectsMax,
  sessionExpirySeconds: (t) => t.sessionExpiry,
  receiveMaximum: (t) => t.receiveMaximum,
  maximumPacketSize: (t) => t.maximumPacketSize,
  topicAliasMaximum: (t) => t.topicAliasMaximum,
  requestResponseInformation: (t) => t.requestResponseInformation,
  requestProblemInformation: (t) => t.requestProblemInformation,
  userProperties: (t) => t.userProperties,
  authenticationMethod: (t) => t.authenticationMethod,
  authenticationData: (t) => t.authenticationData,
  will: (t) => t.will,
}

/** @param fields As in `clashes`; of a field of the will, the will is named. */
export function fieldLabels(fields: readonly string[], t: Text): string {
  const labels = fields.map((field) => LABELS[field.replace(/\..*/, '')]?.(t) ?? field)
  return t.names([...new Set(labels)])
}
