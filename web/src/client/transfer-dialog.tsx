/** Messages to files and back: export, look at, replay. */
import { useState } from 'react'
import type { ExportFormat } from '../protocol/protocol.ts'
import { app, notify } from '../state/app-state.ts'
import { download, pickFile } from '../ui/files.ts'
import { Icon } from '../ui/icons.tsx'
import { Dialog, Select } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { CAPTURE_FILES, notifyImported, openCaptureFile } from './capture-files.ts'

const FORMATS: [ExportFormat, string][] = [
  ['jsonl', 'JSON Lines'],
  ['json', 'JSON'],
  ['csv', 'CSV'],
]

export function TransferDialog({ session }: { session: SessionHandle }) {
  const t = useText()
  const [format, setFormat] = useState<ExportFormat>('jsonl')
  const close = () => app.set({ dialog: null })
  const save = async () => {
    const blob = await session.ask('export', { format })
    download(`mozzie-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`, blob)
  }
  return (
    <Dialog title={t.transfer} onClose={close}>
      <section className="transfer">
        <h3>{t.export}</h3>
        <p className="hint">{t.exportText}</p>
        <div className="with-button">
          <Select label={t.format} value={format} options={FORMATS} onChange={setFormat} />
          <button type="button" className="button is-primary" onClick={() => void save()}>
            <Icon name="download" size={14} /> {t.export}
          </button>
        </div>
      </section>
      <section className="transfer">
        <h3>{t.import}</h3>
        <p className="hint">{t.importText}</p>
        <button type="button" className="button" onClick={() => void openCaptureFile()}>
          <Icon name="upload" size={14} /> {t.import}
        </button>
      </section>
      {session.file === null && <Replay session={session} onDone={close} />}
    </Dialog>
  )
}

function Replay({ session, onDone }: { session: SessionHandle; onDone: () => void }) {
  const t = useText()
  const isOnline = useStore(session.store, ({ status }) => status.kind === 'online')
  const [speed, setSpeed] = useState('1')
  const replay = async () => {
    const file = await pickFile(CAPTURE_FILES)
    if (file === null) return
    try {
      const asked = { text: await file.text(), speed: Number(speed) }
      const answer = await session.ask('replay', asked)
      notifyImported(answer)
      onDone()
    } catch (error) {
      const problem = t.problem(error instanceof Error ? error.message : String(error))
      notify(t.labelled(file.name, problem), true)
    }
  }
  return (
    <section className="transfer">
      <h3>{t.replay}</h3>
      <p className="hint">{t.replayText}</p>
      <div className="with-button">
        <Select
          label={t.speed}
          value={speed}
          options={[
            ['0.5', '½×'],
            ['1', '1×'],
            ['2', '2×'],
            ['10', '10×'],
            ['100', '100×'],
            ['0', t.asFastAsPossible],
          ]}
          onChange={setSpeed}
        />
        <button type="button" className="button" disabled={!isOnline} onClick={() => void replay()}>
          <Icon name="play" size={14} /> {t.replay}
        </button>
      </div>
    </section>
  )
}
