/** What the page remembers and how much, how it looks. */
import { forgetKept } from '../capture/kept.ts'
import { KEPT_MIB, MEMORY_MIB, type Language, type Theme } from '../model/settings.ts'
import { app, notify, putSettings } from '../state/app-state.ts'
import { confirmed } from '../ui/confirm.tsx'
import { Icon } from '../ui/icons.tsx'
import { NumberField } from '../ui/number-field.tsx'
import { Check, Dialog, Select } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useLanguage, useText } from '../ui/text.ts'

export function SettingsDialog() {
  const t = useText()
  return (
    <Dialog title={t.settings} onClose={() => app.set({ dialog: null })}>
      <Looks />
      <Memory />
      <Reload />
    </Dialog>
  )
}

function Looks() {
  const t = useText()
  const language = useLanguage()
  const { theme, times } = useStore(app, (state) => state.settings)
  return (
    <div className="grid">
      <Select<Theme>
        label={t.theme}
        value={theme}
        options={[
          ['system', t.themes.system],
          ['light', t.themes.light],
          ['dark', t.themes.dark],
        ]}
        onChange={(next) => putSettings({ theme: next })}
      />
      <Select<Language>
        label={t.language}
        value={language}
        options={[
          ['en', 'English'],
          ['zh', '简体中文'],
        ]}
        onChange={(next) => putSettings({ language: next })}
      />
      <Select
        label={t.timesInLists}
        value={times}
        options={[
          ['clock', t.timeKinds.clock],
          ['delta', t.timeKinds.delta],
        ]}
        onChange={(next) => putSettings({ times: next })}
      />
    </div>
  )
}

function Memory() {
  const t = useText()
  const { keepMiB } = useStore(app, (state) => state.settings)
  return (
    <>
      <h3>{t.memory}</h3>
      <div className="grid">
        <NumberField
          label={t.memoryPerConnection}
          hint={t.limits(MEMORY_MIB[0], MEMORY_MIB[1])}
          limits={MEMORY_MIB}
          value={keepMiB}
          onChange={(next) => putSettings({ keepMiB: next })}
        />
      </div>
      <p className="hint">{t.memoryText}</p>
    </>
  )
}

function Reload() {
  const t = useText()
  const { reopenTabs, keepMessages, keptMiB } = useStore(app, (state) => state.settings)
  const forget = async () => {
    if (!(await confirmed(t.confirmForgetKept, t.remove))) return
    await forgetKept(null)
    notify(t.forgotten)
  }
  return (
    <>
      <h3>{t.afterReload}</h3>
      <div className="checks">
        <Check
          label={t.reopenTabs}
          checked={reopenTabs}
          onChange={(next) => putSettings({ reopenTabs: next })}
        />
        <Check
          label={t.keepMessages}
          checked={keepMessages}
          onChange={(next) => putSettings({ keepMessages: next })}
        />
      </div>
      <p className="hint">{t.keepMessagesText}</p>
      <div className="grid">
        <NumberField
          label={t.keptPerConnection}
          hint={t.limits(KEPT_MIB[0], KEPT_MIB[1])}
          limits={KEPT_MIB}
          value={keptMiB}
          onChange={(next) => putSettings({ keptMiB: next })}
        />
      </div>
      <button type="button" className="button" onClick={() => void forget()}>
        <Icon name="trash" size={14} /> {t.forgetKept}
      </button>
    </>
  )
}
