/** No connection came about: the causes, and what to do about each. A refused login asks for another one. */
import { useEffect, useState, type FormEvent } from 'react'
import { CERTIFICATE_CAUSES, type Cause } from '../model/connect-causes.ts'
import { profileUrl, type Profile } from '../model/profile.ts'
import { putConnection } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { findCauses, webAddress, type Found } from './find-causes.ts'
import { AuthorityButton } from './tls-section.tsx'

export function ConnectHelp({ session, profile }: { session: SessionHandle; profile: Profile }) {
  const t = useText()
  const address = profileUrl(profile)
  const [found, setFound] = useState<Found | null>(null)
  useEffect(() => {
    let isStale = false
    setFound(null)
    void findCauses(profile).then((now) => {
      if (!isStale) setFound(now)
    })
    return () => {
      isStale = true
    }
    // oxlint-disable-next-line react/exhaustive-deps -- only another address has other causes
  }, [address])
  const use = (instead: NonNullable<Cause['instead']>) => {
    const { scheme, host, port, path } = instead
    putConnection({ ...profile, scheme, host, port, path })
    session.send({ kind: 'connect' })
  }
  return (
    <div className="connect-help">
      <h2>{t.cannotConnect(address)}</h2>
      {found === null ? (
        <p className="is-quiet">{t.lookingForCause}</p>
      ) : (
        <ol>
          {found.causes.map(({ name, instead }) => (
            <li key={name}>
              {t.sentences([t.causes[name], ''])}
              {CERTIFICATE_CAUSES.has(name) && (
                <CertificateHelp profile={profile} authority={found.authority} />
              )}
              {instead !== null && (
                <button
                  type="button"
                  className="button is-small is-primary"
                  onClick={() => use(instead)}
                >
                  {t.useAddress(profileUrl(instead))}
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}

function CertificateHelp({ profile, authority }: { profile: Profile; authority: string | null }) {
  const t = useText()
  return (
    <>
      <a href={webAddress(profile)} target="_blank" rel="noreferrer">
        {t.openAddress}
      </a>{' '}
      {authority !== null && <AuthorityButton authority={authority} />}
    </>
  )
}

export function AskLogin({ session, profile }: { session: SessionHandle; profile: Profile }) {
  const t = useText()
  const [username, setUsername] = useState(profile.username)
  const [password, setPassword] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    putConnection({ ...profile, username, password })
    session.send({ kind: 'connect' })
  }
  return (
    <form className="connect-help" onSubmit={submit}>
      <h2>{profile.username === '' ? t.loginNeeded : t.loginRefused}</h2>
      <TextField label={t.username} value={username} onChange={setUsername} />
      <TextField label={t.password} type="password" value={password} onChange={setPassword} />
      <button type="submit" className="button is-primary">
        {t.connect}
      </button>
    </form>
  )
}
