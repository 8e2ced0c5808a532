/** Protobuf and Avro schemas, to be chosen in a subscription. */
import { newId } from '../model/profile.ts'
import type { Schema } from '../model/settings.ts'
import { app, putSettings } from '../state/app-state.ts'
import { pickFile } from '../ui/files.ts'
import { Icon } from '../ui/icons.tsx'
import { Dialog, Field, Select, TextField } from '../ui/parts.tsx'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { useEditedText } from './edited-text.ts'
import { useSchemaProblem } from './schema-problem.ts'

export function SchemasDialog() {
  const t = useText()
  const schemas = useStore(app, ({ settings }) => settings.schemas)
  const put = (id: string, patch: Partial<Schema>) =>
    putSettings((stored) => ({
      schemas: stored.schemas.map((other) => (other.id === id ? { ...other, ...patch } : other)),
    }))
  const add = async () => {
    const file = await pickFile('.proto,.avsc,.json,.txt')
    const source = file === null ? '' : await file.text()
    const name = file?.name ?? t.newSchema
    const kind = /\.(avsc|json)$/.test(name) ? 'avro' : 'protobuf'
    putSettings((stored) => ({
      schemas: [...stored.schemas, { id: newId(), name, kind, source, messageType: '' }],
    }))
  }
  return (
    <Dialog title={t.schemas} onClose={() => app.set({ dialog: null })}>
      <p className="hint">{t.schemasText}</p>
      {schemas.map((schema) => (
        <SchemaForm
          key={schema.id}
          schema={schema}
          put={(patch) => put(schema.id, patch)}
          remove={() =>
            putSettings((stored) => ({
              schemas: stored.schemas.filter(({ id }) => id !== schema.id),
            }))
          }
        />
      ))}
      <div className="actions">
        <button type="button" className="button" onClick={() => void add()}>
          <Icon name="file" size={14} /> {t.loadFile}
        </button>
        <button
          type="button"
          className="button"
          onClick={() =>
            putSettings((stored) => ({
              schemas: [
                ...stored.schemas,
                { id: newId(), name: t.newSchema, kind: 'protobuf', source: '', messageType: '' },
              ],
            }))
          }
        >
          <Icon name="plus" size={14} /> {t.newSchema}
        </button>
      </div>
    </Dialog>
  )
}

interface SchemaFormProps {
  schema: Schema
  put: (patch: Partial<Schema>) => void
  remove: () => void
}

function SchemaForm({ schema, put, remove }: SchemaFormProps) {
  const t = useText()
  const source = useEditedText(schema.source, t.schema, (text) => put({ source: text }))
  const problem = useSchemaProblem(schema, source.value)
  return (
    <details className="section">
      <summary>
        <Icon name="chevron" size={14} /> {schema.name}{' '}
        <span className="chip">{t.formats[schema.kind]}</span>
      </summary>
      <div className="section-body grid">
        <TextField label={t.name} value={schema.name} onChange={(name) => put({ name })} />
        <Select
          label={t.format}
          value={schema.kind}
          options={[
            ['protobuf', t.formats.protobuf],
            ['avro', t.formats.avro],
          ]}
          onChange={(kind) => put({ kind })}
        />
        {schema.kind === 'protobuf' && (
          <TextField
            label={t.messageType}
            mono
            value={schema.messageType}
            placeholder="shop.PriceUpdate"
            onChange={(messageType) => put({ messageType })}
          />
        )}
        <Field label={t.schema} className="is-wide">
          {(id) => (
            <textarea
              id={id}
              className="mono"
              rows={8}
              value={source.value}
              spellCheck={false}
              onChange={(event) => source.type(event.target.value)}
              onBlur={source.leave}
            />
          )}
        </Field>
        {problem !== null && (
          <p className="problem is-wide" role="alert">
            {t.problem(problem)}
          </p>
        )}
        <button type="button" className="link-button is-danger" onClick={remove}>
          <Icon name="trash" size={14} /> {t.remove}
        </button>
      </div>
    </details>
  )
}
