/** Messages kept under a name, in folders, and the last ones published. */
import { useState, type FormEvent } from 'react'
import type { Draft } from '../model/message.ts'
import { newId } from '../model/profile.ts'
import type { SavedMessage } from '../model/settings.ts'
import { app, putSettings } from '../state/app-state.ts'
import { Icon } from '../ui/icons.tsx'
import { IconButton } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'

interface SavedProps {
  draft: Draft
  onPick: (draft: Draft) => void
}

export function SavedMessages({ draft, onPick }: SavedProps) {
  const t = useText()
  const { saved, history } = useStore(app, (state) => state.settings)
  const [name, setName] = useState('')
  const folders = [...new Set(saved.map(({ folder }) => folder))].sort()
  const save = (event: FormEvent) => {
    event.preventDefault()
    // "folder/name" puts it into a folder.
    const cut = name.lastIndexOf('/')
    const entry: SavedMessage = {
      id: newId(),
      folder: cut === -1 ? '' : name.slice(0, cut).trim(),
      name: name.slice(cut + 1).trim() || draft.topic,
      draft,
    }
    putSettings((stored) => ({ saved: [...stored.saved, entry] }))
    setName('')
  }
  return (
    <div className="publish-extra saved">
      <form className="save-message" onSubmit={save}>
        <input
          aria-label={t.saveAs}
          placeholder={t.saveAsPlaceholder}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="button" disabled={draft.topic === ''}>
          <Icon name="star" size={14} /> {t.save}
        </button>
      </form>
      {folders.map((folder) => (
        <section key={folder}>
          {folder !== '' && <h4>{folder}</h4>}
          <ul>
            {saved
              .filter((entry) => entry.folder === folder)
              .map((entry) => (
                <SavedRow key={entry.id} entry={entry} onPick={onPick} />
              ))}
          </ul>
        </section>
      ))}
      {history.length > 0 && (
        <section>
          <h4>{t.lastPublished}</h4>
          <ul>
            {history.slice(0, 15).map((entry) => (
              <li key={JSON.stringify(entry)}>
                <button type="button" onClick={() => onPick(entry)}>
                  <b className="mono">{entry.topic}</b>{' '}
                  <span className="mono is-quiet">{entry.payload.slice(0, 80)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}

function SavedRow({ entry, onPick }: { entry: SavedMessage; onPick: SavedProps['onPick'] }) {
  const t = useText()
  const remove = () =>
    putSettings((stored) => ({ saved: stored.saved.filter(({ id }) => id !== entry.id) }))
  return (
    <li>
      <button type="button" onClick={() => onPick(entry.draft)}>
        <b>{entry.name}</b> <span className="mono is-quiet">{entry.draft.topic}</span>
      </button>
      <IconButton icon="trash" label={t.labelled(t.remove, entry.name)} onClick={remove} />
    </li>
  )
}
