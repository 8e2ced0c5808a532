/** No connection came about: the causes, and what to do about each. A refused login asks for another one. */
import { useEffect, useState, type FormEvent } from 'react'
import { causesOf, neighbours, type Cause } from '../model/connect-causes.ts'
import { profileUrl, type Profile } from '../model/profile.ts'
import { putConnection } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
import { TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'

const KNOCK_MS_MAX = 2500

/** Whether a WebSocket for MQTT opens there: all that a browser says of it. */
function opens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    let socket: WebSocket
    try {
      socket = new WebSocket(address, 'mqtt')
    } catch {
      return resolve(false)
    }
    const timer = setTimeout(() => end(false), KNOCK_MS_MAX)
    const end = (isOpen: boolean) => {
      clearTimeout(timer)
      resolve(isOpen)
      socket.close()
    }
    socket.addEventListener('open', () => end(true))
    socket.addEventListener('error', () => end(false))
  })
}

/** Whether a web server answers there; with a certificate that the browser trusts, where it has one. */
async function answers({ scheme, host, port }: Profile): Promise<boolean> {
  const place = `${scheme === 'wss' ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/`
  try {
    await fetch(place, {
      mode: 'no-cors',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(KNOCK_MS_MAX),
    })
    return true
  } catch {
    return false
  }
}

async function findCauses(profile: Profile): Promise<readonly Cause[]> {
  const pageIsSecure = location.protocol === 'https:'
  const near = neighbours(profile, pageIsSecure)
  const [isAnswered, ...isOpen] = await Promise.all([
    answers(profile),
    ...near.map((address) => opens(profileUrl(address))),
  ])
  const open = near.filter((_, at) => isOpen[at])
  return causesOf({ address: profile, pageIsSecure, open, isAnswered })
}

export function ConnectHelp({ session, profile }: { session: SessionHandle; profile: Profile }) {
  const t = useText()
  const address = profileUrl(profile)
  const [causes, setCauses] = useState<readonly Cause[] | null>(null)
  useEffect(() => {
    let isStale = false
    setCauses(null)
    void findCauses(profile).then((found) => {
      if (!isStale) setCauses(found)
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
      {causes === null ? (
        <p className="is-quiet">{t.lookingForCause}</p>
      ) : (
        <ol>
          {causes.map(({ name, instead }) => (
            <li key={name}>
              {t.causes[name]}{' '}
              {(name === 'certificate' || name === 'hiddenTls') && (
                <a
                  href={`https://${profile.host}:${profile.port}/`}
                  target="_blank"
                  rel="noreferrer"
                >
                  {t.openAddress}
                </a>
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
