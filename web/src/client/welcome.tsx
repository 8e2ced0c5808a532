/** The first thing seen: one click to the broker that served the page, and the connections kept. */
import { emptyProfile, profileUrl, type Profile } from '../model/profile.ts'
import { addProfiles, app, hereAddress, openProfile, subscribeTo } from '../state/app-state.ts'
import type { SessionHandle } from '../state/session-handle.ts'
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

/** Three sensors of a kitchen, two messages a second for a minute. */
const DEMO = [
  ['temperature', '{"value": {{rand 20 23}}, "unit": "°C", "seq": {{seq}}}'],
  ['humidity', '{"value": {{rand 40 60}}, "unit": "%", "seq": {{seq}}}'],
  ['co2', '{"value": {{rand 420 900}}, "unit": "ppm", "seq": {{seq}}}'],
] as const
const DEMO_TIMING = { everyMs: 1500, count: 40 }

function startDemo(session: SessionHandle): void {
  subscribeTo(session.id, 'demo/#')
  const drafts = DEMO.map(([name, payload]) => ({
    ...session.store.get().draft,
    topic: `demo/kitchen/${name}`,
    payload,
    format: 'json' as const,
  }))
  const [first] = drafts
  if (first !== undefined) session.store.set({ draft: first, topicTyped: true })
  const stop = session.store.subscribe(() => {
    const { status, subscriptions } = session.store.get()
    if (status.kind !== 'online' || !subscriptions.some(({ state }) => state === 'granted')) return
    stop()
    for (const draft of drafts) void session.ask('startRepeat', { draft, timing: DEMO_TIMING })
  })
}

export function Welcome() {
  const t = useText()
  const profiles = useStore(app, (state) => state.profiles)
  const here = hereAddress()
  const connect = () => openProfile(localProfile(t.thisBroker))
  const demo = () => startDemo(connect())
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
