/** Keys, and the words of the search box. */
import { app } from '../state/app-state.ts'
import { Dialog } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'

/** The keys, and the language of the search box. */
export function HelpDialog() {
  const t = useText()
  return (
    <Dialog title={t.keyboardHelp} onClose={() => app.set({ dialog: null })}>
      <dl className="keys">
        {t.keys.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h3>{t.searchLanguage}</h3>
      <dl className="keys">
        {t.searchForms.map(([form, what]) => (
          <div key={form}>
            <dt>
              <code>{form}</code>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
