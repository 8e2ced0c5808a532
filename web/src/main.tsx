/** The page begins here. */
import { createRoot } from 'react-dom/client'
import { App } from './shell/app.tsx'
import { reopenTabs } from './state/app-state.ts'
import { loadWhenIdle } from './ui/later.tsx'
import './styles/tokens.css'
import './styles/base.css'
import './styles/states.css'
import './styles/shell.css'
import './styles/workspace.css'
import './styles/subscriptions.css'
import './styles/messages.css'
import './styles/detail.css'
import './styles/pivot.css'
import './styles/publish.css'
import './styles/narrow.css'
import './styles/forms.css'

/** By then whoever came in a hurry sees messages. */
const LOAD_REST_AFTER_MS = 5000

reopenTabs()
const root = document.getElementById('root')
if (root !== null) createRoot(root).render(<App />)
loadWhenIdle(LOAD_REST_AFTER_MS)
