/** The broker area: its pages, behind a login where the broker asks for one. */
import { useEffect, useState, type FormEvent } from 'react'
import '../styles/broker.css'
import '../styles/broker-tables.css'
import { Icon, type IconName } from '../ui/icons.tsx'
import { TextField } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { useOutcome } from '../ui/use-outcome.ts'
import { AccessPage } from './access-page.tsx'
import { api, login, logout, refreshSession, type ApiError } from './api.ts'
import { BridgesPage } from './bridges-page.tsx'
import { ClusterWatch } from './cluster.ts'
import { OfOneNode } from './cluster-panel.tsx'
import { ClientsPage } from './clients-page.tsx'
import { ConfigPage } from './config-page.tsx'
import { DiscoveryPage } from './discovery-page.tsx'
import { ListenersPage } from './listeners-page.tsx'
import { LogPage } from './log-page.tsx'
import { OverviewPage } from './overview-page.tsx'
import { RetainedPage } from './retained-page.tsx'
import { SubscriptionsPage } from './subscriptions-page.tsx'
import { useBrokerText } from './text.ts'
import { TracePage } from './trace-page.tsx'
import { UsersPage } from './users-page.tsx'
import { reach } from './reach.ts'
import { ReachBanner } from './reach-banner.tsx'
import { WhyPage } from './why-page.tsx'

const PAGES = {
  overview: ['gauge', OverviewPage],
  clients: ['users', ClientsPage],
  subscriptions: ['tag', SubscriptionsPage],
  retained: ['pin', RetainedPage],
  discovery: ['home', DiscoveryPage],
  listeners: ['server', ListenersPage],
  bridges: ['link', BridgesPage],
  users: ['user', UsersPage],
  access: ['shield', AccessPage],
  why: ['info', WhyPage],
  log: ['log', LogPage],
  trace: ['search', TracePage],
  config: ['settings', ConfigPage],
} as const satisfies Record<string, readonly [IconName, () => React.ReactNode]>

/** Pages that in a cluster tell of the node that is asked alone. */
const OF_ONE_NODE: ReadonlySet<PageName> = new Set(['listeners', 'log', 'trace', 'config'])

type PageName = keyof typeof PAGES
const NAMES = Object.keys(PAGES) as PageName[]

function pageOfHash(): PageName {
  const name = location.hash.split('/')[1]?.split('?')[0] ?? ''
  return NAMES.find((page) => page === name) ?? 'overview'
}

export function BrokerArea() {
  const b = useBrokerText()
  const { session, problem } = useStore(api, (state) => state)
  const [page, setPage] = useState(pageOfHash)
  useEffect(() => void refreshSession(), [])
  useEffect(() => {
    const onHash = () => setPage(pageOfHash())
    addEventListener('hashchange', onHash)
    return () => removeEventListener('hashchange', onHash)
  }, [])
  const isGone = useStore(reach, ({ goneSinceMs }) => goneSinceMs !== null)
  if (problem !== null) return <NoApi problem={problem} />
  if (session === null) return isGone ? <NoApi problem={null} /> : null
  if (!session.admin) return <Login user={session.user} />
  const Page = PAGES[page][1]
  return (
    <div className="broker">
      <nav className="broker-nav" aria-label={b.areaName}>
        {NAMES.map((name) => (
          <a key={name} href={`#broker/${name}`} aria-current={name === page ? 'page' : undefined}>
            <Icon name={PAGES[name][0]} />
            <span>{b.pages[name]}</span>
          </a>
        ))}
        <span className="nav-links">
          <a href="api/v1/docs" target="_blank" rel="noreferrer">
            API
          </a>
          <a href="metrics" target="_blank" rel="noreferrer">
            /metrics
          </a>
        </span>
        {session.loginRequired && (
          <button type="button" onClick={() => void logout()}>
            <Icon name="power" />
            <span>{b.logout}</span>
          </button>
        )}
      </nav>
      <div className={`broker-page ${isGone ? 'is-stale' : ''}`}>
        <ReachBanner />
        <ClusterWatch />
        {OF_ONE_NODE.has(page) && <OfOneNode />}
        <h1 className="visually-hidden">{b.pages[page]}</h1>
        <Page />
      </div>
    </div>
  )
}

/** @param problem null: nobody has answered yet. */
function NoApi({ problem }: { problem: ApiError | null }) {
  const b = useBrokerText()
  return (
    <div className="empty is-large">
      {problem === null || problem.status === 0 ? (
        <ReachBanner />
      ) : (
        <p>{problem.status === -1 ? b.noApi : problem.message}</p>
      )}
      <div className="actions is-centred">
        <button type="button" className="button" onClick={() => void refreshSession()}>
          {b.retry}
        </button>
      </div>
    </div>
  )
}

function Login({ user }: { user: string | null }) {
  const t = useText()
  const b = useBrokerText()
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const { problem, run } = useOutcome([username, password], () => login(username, password))
  const shown = problem ?? (user === null ? null : b.notAdmin(user))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return (
    <div className="welcome">
      <form className="welcome-card login" onSubmit={submit}>
        <h1>{b.loginTitle}</h1>
        <p className="lead">{b.loginText}</p>
        <TextField label={t.username} value={username} onChange={setUsername} />
        <TextField label={t.password} type="password" value={password} onChange={setPassword} />
        {shown !== null && (
          <p className="problem" role="alert">
            {shown}
          </p>
        )}
        <button type="submit" className="button is-primary is-large" disabled={username === ''}>
          {b.login}
        </button>
      </form>
    </div>
  )
}
