/** The page begins here. */
import { createRoot } from 'react-dom/client'
import { App } from './shell/app.tsx'
import { reopenTabs } from './state/app-state.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/client.css'
import './styles/forms.css'

reopenTabs()
const root = document.getElementById('root')
if (root !== null) createRoot(root).render(<App />)
