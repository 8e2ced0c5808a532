/** The first thing seen: one click to the broker that served the page, and the connections kept. */
import { emptyProfile, profileUrl, type Profile } from '../model/profile.ts'
import { addProfiles, app, hereAddress, openProfile, subscribeTo } from '../state/app-state.ts'
import { Icon } from '../ui/icons.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { openCaptureFile } from './capture-files.ts'
import { ConnectionList } from './connection-list.tsx'

/** The connection to the broker the page came from, made on first use. */
function localProfile(name: string): Profile {
  const here = hereAddress()
  const known = app.get().profiles.find((profile) => profileUrl(profile) === profileUrl(here))
  if (known !== undefined) return known
  const profile = { ...emptyProfile(here), name }
  addProfiles([profile])
  return profile
}

export function Welcome() {
  const t = useText()
  const profiles = useStore(app, (state) => state.profiles)
  const here = hereAddress()
  const connect = () => openProfile(localProfile(t.thisBroker))
  const demo = () => {
    const session = connect()
    subscribeTo(session.id, 'demo/#')
    const draft = {
      ...session.store.get().draft,
      topic: 'demo/kitchen/{{pick temperature humidity co2}}',
      payload: '{"value": {{rand 18 26}}, "unit": "C", "seq": {{seq}}}',
      format: 'json' as const,
    }
    session.store.set({ draft, topicTyped: true })
    const stop = session.store.subscribe(() => {
      const { status, subscriptions } = session.store.get()
      if (status.kind !== 'online' || !subscriptions.some(({ state }) => state === 'granted'))
        return
      stop()
      void session.ask('startRepeat', { draft, timing: { everyMs: 500, count: 120 } })
    })
  }
  return (
    <div className="welcome">
      <section className="welcome-card" aria-labelledby="welcome-title">
        <h1 id="welcome-title">{t.welcomeTitle}</h1>
        <p className="lead">{t.welcomeText}</p>
        <div className="here">
          <Icon name="server" size={18} />
          <code>{profileUrl(here)}</code>
        </div>
        <div className="actions">
          <button type="button" className="button is-primary is-large" onClick={connect}>
            <Icon name="power" /> {t.connectHere}
          </button>
          <button type="button" className="button is-large" onClick={demo}>
            <Icon name="play" /> {t.tryDemo}
          </button>
          <button
            type="button"
            className="button is-large"
            onClick={() => app.set({ dialog: { kind: 'connection', id: null } })}
          >
            <Icon name="plus" /> {t.otherBroker}
          </button>
          <button type="button" className="button is-large" onClick={() => void openCaptureFile()}>
            <Icon name="file" /> {t.openFile}
          </button>
        </div>
      </section>
      {profiles.length > 0 && (
        <section className="welcome-list" aria-labelledby="welcome-list-title">
          <h2 id="welcome-list-title">{t.connections}</h2>
          <ConnectionList />
        </section>
      )}
    </div>
  )
}
