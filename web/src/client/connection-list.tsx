/** All connections that are kept: open, edit, duplicate, remove, carry elsewhere. */
import { useState } from 'react'
import { newClientId, newId, profileUrl, type Profile } from '../model/profile.ts'
import {
  addProfiles,
  app,
  moveProfile,
  notify,
  openProfile,
  removeProfile,
} from '../state/app-state.ts'
import { shareHash } from '../publish/share.ts'
import { useDragOrder, type DragProps } from '../ui/drag-order.ts'
import { copyText, download, pickFile } from '../ui/files.ts'
import { confirmed } from '../ui/confirm.tsx'
import { Icon } from '../ui/icons.tsx'
import { IconButton } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { textNow, useText } from '../ui/text.ts'
import { exportProfiles, importProfiles } from '../model/profile-file.ts'

const SEARCH_FROM = 6

export function ConnectionList() {
  const t = useText()
  const profiles = useStore(app, (state) => state.profiles)
  const [search, setSearch] = useState('')
  const drag = useDragOrder(moveProfile)
  const found = profiles.filter(({ name, host, folder }) =>
    `${folder} ${name} ${host}`.toLowerCase().includes(search.toLowerCase()),
  )
  const folders = [...new Set(found.map(({ folder }) => folder))].sort()
  return (
    <div className="connection-list">
      {profiles.length >= SEARCH_FROM && (
        <input
          type="search"
          aria-label={t.search}
          placeholder={t.search}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      {folders.map((folder) => (
        <section key={folder}>
          {folder !== '' && (
            <h3>
              <Icon name="folder" size={14} /> {folder}
            </h3>
          )}
          <ul>
            {found
              .filter((profile) => profile.folder === folder)
              .map((profile) => (
                <ConnectionRow key={profile.id} profile={profile} drag={drag(profile.id)} />
              ))}
          </ul>
        </section>
      ))}
      <div className="actions">
        <button
          type="button"
          className="button"
          onClick={() => app.set({ dialog: { kind: 'connection', id: null } })}
        >
          <Icon name="plus" /> {t.newConnection}
        </button>
        <button type="button" className="button" onClick={() => void importFile()}>
          {t.importConnections}
        </button>
        <button
          type="button"
          className="button"
          disabled={profiles.length === 0}
          onClick={() => download('mozzie-connections.json', exportProfiles(profiles))}
        >
          {t.exportConnections}
        </button>
      </div>
    </div>
  )
}

async function importFile(): Promise<void> {
  const file = await pickFile('.json,application/json')
  if (file === null) return
  const t = textNow()
  const { profiles, problem } = importProfiles(await file.text())
  if (problem !== null) notify(t.labelled(t.importFailed, t.problem(problem)), true)
  else {
    addProfiles(profiles)
    notify(t.importedConnections(profiles.length))
  }
}

function ConnectionRow({ profile, drag }: { profile: Profile; drag: DragProps }) {
  const t = useText()
  const isOpen = useStore(app, ({ sessions }) => sessions.some(({ id }) => id === profile.id))
  const name = profile.name || profile.host
  const duplicate = () =>
    addProfiles([{ ...profile, id: newId(), clientId: newClientId(), name: `${name} 2` }])
  const share = async () => {
    const address = new URL(shareHash(profile), document.baseURI).href
    notify((await copyText(address)) ? t.addressCopied : t.copyFailed)
  }
  const remove = async () => {
    if (await confirmed(t.confirmRemove(name), t.remove)) removeProfile(profile.id)
  }
  return (
    <li {...drag}>
      <button type="button" className="connection-row" onClick={() => openProfile(profile)}>
        <span className={`dot ${isOpen ? 'is-online' : ''}`} aria-hidden="true" />
        <span className="name">{name}</span>
        <code>{profileUrl(profile)}</code>
        <span className="chip">{{ 3: '3.1', 4: '3.1.1', 5: '5.0' }[profile.version]}</span>
      </button>
      <IconButton
        icon="edit"
        label={t.labelled(t.edit, name)}
        onClick={() => app.set({ dialog: { kind: 'connection', id: profile.id } })}
      />
      <IconButton icon="copy" label={t.labelled(t.duplicate, name)} onClick={duplicate} />
      <IconButton icon="link" label={t.labelled(t.share, name)} onClick={() => void share()} />
      <IconButton icon="trash" label={t.labelled(t.remove, name)} onClick={() => void remove()} />
    </li>
  )
}
