/** Everything that can be done, by typing a few letters. */
import { useState, type KeyboardEvent } from 'react'
import { openCaptureFile } from '../client/capture-files.ts'
import { profileUrl } from '../model/profile.ts'
import { app, openProfile, putSettings, sessionOf, setArea } from '../state/app-state.ts'
import { Dialog } from '../ui/parts.tsx'
import type { ViewMode } from '../state/session-handle.ts'
import { useText } from '../ui/text.ts'

interface Action {
  readonly name: string
  readonly note?: string
  readonly act: () => void
}

function useActions(): Action[] {
  const t = useText()
  const { profiles, activeId } = app.get()
  const session = sessionOf(activeId)
  const view = (mode: ViewMode): Action => ({
    name: t.labelled(t.view, t.views[mode]),
    act: () => session?.setMode(mode),
  })
  const dialog = (
    name: string,
    kind: 'settings' | 'transfer' | 'csv' | 'schemas' | 'help' | 'session' | 'connections',
  ): Action => ({
    name,
    act: () => app.set({ dialog: { kind } }),
  })
  const sessionActions: Action[] =
    session === undefined
      ? []
      : [
          view('table'),
          view('bubbles'),
          view('latest'),
          view('pivot'),
          view('chart'),
          {
            name: t.pause,
            act: () => session.show({ paused: !session.store.get().request.paused }),
          },
          { name: t.clearMessages, act: () => session.send({ kind: 'clear' }) },
          dialog(t.transfer, 'transfer'),
        ]
  const connectionActions: Action[] =
    session === undefined || session.file !== null
      ? []
      : [
          {
            name: t.clearRetained,
            act: () => app.set({ dialog: { kind: 'retained', filter: '' } }),
          },
          dialog(t.csvTitle, 'csv'),
          dialog(t.sessionDetails, 'session'),
          { name: t.disconnect, act: () => session.send({ kind: 'disconnect' }) },
        ]
  return [
    ...profiles.map((profile) => ({
      name: t.labelled(t.connect, profile.name || profile.host),
      note: profileUrl(profile),
      act: () => openProfile(profile),
    })),
    { name: t.newConnection, act: () => app.set({ dialog: { kind: 'connection', id: null } }) },
    ...sessionActions,
    ...connectionActions,
    { name: t.client, act: () => setArea('client') },
    { name: t.broker, act: () => setArea('broker') },
    { name: t.whyTitle, act: () => (location.hash = '#broker/why') },
    { name: t.openFile, act: () => void openCaptureFile() },
    dialog(t.settings, 'settings'),
    dialog(t.schemas, 'schemas'),
    dialog(t.keyboardHelp, 'help'),
    { name: t.labelled(t.theme, t.themes.light), act: () => putSettings({ theme: 'light' }) },
    { name: t.labelled(t.theme, t.themes.dark), act: () => putSettings({ theme: 'dark' }) },
    { name: 'English', act: () => putSettings({ language: 'en' }) },
    { name: '简体中文', act: () => putSettings({ language: 'zh' }) },
  ]
}

export function Palette() {
  const t = useText()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const words = text.toLowerCase().split(/\s+/)
  const found = useActions().filter(({ name, note = '' }) =>
    words.every((word) => `${name} ${note}`.toLowerCase().includes(word)),
  )
  const run = (action: Action | undefined) => {
    if (action === undefined) return
    app.set({ dialog: null })
    action.act()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      const next = Math.max(0, Math.min(found.length - 1, at + step))
      setAt(next)
      document.querySelector(`#palette-${next}`)?.scrollIntoView({ block: 'nearest' })
    } else if (event.key === 'Enter') {
      event.preventDefault()
      run(found[at])
    }
  }
  return (
    <Dialog title={t.commandPalette} className="palette" onClose={() => app.set({ dialog: null })}>
      <input
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- the dialog has nothing else to begin with
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] === undefined ? undefined : `palette-${at}`}
        aria-label={t.commandPalette}
        placeholder={t.search}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-list" role="listbox" aria-label={t.commandPalette}>
        {found.map((action, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys are the field's
          <li
            key={`${action.name}${action.note ?? ''}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => run(action)}
          >
            {action.name} {action.note !== undefined && <code>{action.note}</code>}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
