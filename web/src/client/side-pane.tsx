/** The left pane: the topic tree, or the subscriptions. */
import { useState } from 'react'
import { Tabs } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { Subscriptions } from './subscriptions.tsx'
import { TopicTree } from './topic-tree.tsx'
import { profileOf } from '../state/app-state.ts'

export function SidePane({ session }: { session: SessionHandle }) {
  const t = useText()
  const [tab, setTab] = useState<'topics' | 'subscriptions'>('subscriptions')
  const topics = useStore(session.store, (state) => state.stats.topics)
  const subscriptions = profileOf(session.id)?.subscriptions.length ?? 0
  if (session.file !== null)
    return (
      <aside className="pane side-pane" aria-label={t.topics}>
        <TopicTree session={session} />
      </aside>
    )
  return (
    <aside className="pane side-pane" aria-label={t.topicsAndSubscriptions}>
      <Tabs
        label={t.topicsAndSubscriptions}
        className="pane-tabs"
        value={tab}
        tabs={[
          [
            'subscriptions',
            subscriptions > 0 ? `${t.subscriptions} ${subscriptions}` : t.subscriptions,
          ],
          ['topics', topics > 0 ? `${t.topics} ${topics}` : t.topics],
        ]}
        onChange={setTab}
      />
      {tab === 'topics' ? <TopicTree session={session} /> : <Subscriptions session={session} />}
    </aside>
  )
}
