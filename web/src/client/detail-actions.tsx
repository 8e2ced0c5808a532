/** What can be done with a message. */
import { whyAddress } from '../model/why-address.ts'
import { asText, correlationText, toBase64 } from '../decode/bytes.ts'
import { toHex } from '../decode/lines.ts'
import { isSameHost } from '../model/connect-causes.ts'
import { commandLine } from '../publish/command-line.ts'
import { emptyDraft, noFields, type Draft, type Detail } from '../model/message.ts'
import type { DetailAnswer } from '../protocol/protocol.ts'
import { app, notify, profileOf } from '../state/app-state.ts'
import { copyText, download } from '../ui/files.ts'
import { Icon, type IconName } from '../ui/icons.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useText } from '../ui/text.ts'

/** The message as something to publish again. */
function draftOf({ topic, payload, qos, retain, properties }: Detail): Draft {
  const text = asText(payload)
  return {
    topic,
    payload: text ?? toHex(payload, ' '),
    format: text === null ? 'hex' : 'text',
    qos,
    retain,
    fields: {
      ...noFields(),
      payloadFormat: properties?.payloadFormat === 1,
      contentType: properties?.contentType ?? '',
      responseTopic: properties?.responseTopic ?? '',
      correlation:
        properties?.correlationData === undefined
          ? ''
          : correlationText(properties.correlationData),
      userProperties: properties?.userProperties ?? [],
    },
  }
}

/** An answer to the message: to its response topic, with its correlation data. */
function replyTo({ properties, topic }: Detail): Draft {
  const correlation = properties?.correlationData
  return {
    ...emptyDraft(),
    topic: properties?.responseTopic ?? topic,
    qos: 1,
    fields: {
      ...noFields(),
      correlation: correlation === undefined ? '' : correlationText(correlation),
    },
  }
}

/** The payload as it is shown; of a large one all of it, as it came. */
function copiedText({ detail, decoded, text }: DetailAnswer): string {
  if (decoded.decoded.kind === 'bitmap') return toBase64(detail.payload)
  if (decoded.bytes === detail.payload.length) return text
  return asText(detail.payload) ?? toBase64(detail.payload)
}

function save({ topic, payload }: DetailAnswer['detail']): void {
  download(`${topic.replaceAll(/[^\w.-]+/g, '_')}.bin`, new Blob([new Uint8Array(payload)]))
}

type Action = [icon: IconName, label: string, act: () => void]

export function DetailActions({
  session,
  answer,
}: {
  session: SessionHandle
  answer: DetailAnswer
}) {
  const t = useText()
  const { detail } = answer
  const copy = async (text: string) => notify((await copyText(text)) ? t.copied : t.copyFailed)
  const edit = (draft: Draft) => {
    session.store.set({ draft, topicTyped: true })
    app.set({ pane: 'publish' })
    document.querySelector<HTMLTextAreaElement>('[data-payload]')?.focus()
  }
  const profile = profileOf(session.id)
  const actions: Action[] = [
    ['copy', t.copyPayload, () => void copy(copiedText(answer))],
    ['tag', t.copyTopic, () => void copy(detail.topic)],
    [
      'terminal',
      t.copyCommand,
      () => profile !== undefined && void copy(commandLine(profile, detail)),
    ],
    ['download', t.saveFile, () => save(detail)],
  ]
  const remove = () => {
    session.send({ kind: 'forget', seq: detail.seq })
    session.select(null)
    app.set({ pane: 'messages' })
  }
  const sending: Action[] = [
    ['reply', t.reply, () => edit(replyTo(detail))],
    ['send', t.publishAgain, () => edit(draftOf(detail))],
    [
      'unpin',
      t.clearRetained,
      () => app.set({ dialog: { kind: 'retained', filter: detail.topic } }),
    ],
  ]
  if (session.file === null) actions.push(...sending)
  // Other brokers cannot be asked.
  if (profile !== undefined && isSameHost(profile.host, location.hostname))
    actions.push([
      'help',
      t.whyTopic,
      () => void (location.hash = whyAddress({ topic: detail.topic })),
    ])
  const compare = () => {
    session.store.set({ compareSeq: detail.seq })
    notify(t.compareNext)
  }
  actions.push(['compare', t.compareFrom, compare], ['trash', t.deleteMessage, remove])
  return (
    <div className="detail-actions" role="toolbar" aria-label={t.actions}>
      {actions.map(([icon, label, act]) => (
        <button
          key={icon}
          type="button"
          className="icon-button"
          title={label}
          aria-label={label}
          onClick={act}
        >
          <Icon name={icon} />
        </button>
      ))}
    </div>
  )
}
