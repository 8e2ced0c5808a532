/** The configuration in force: every option with its value, and where that comes from. */
import { useEffect, useState } from 'react'
import { Check } from '../ui/parts.tsx'
import { useLanguage } from '../ui/text.ts'
import { call, type ConfigRow } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

export function ConfigPage() {
  const b = useBrokerText()
  const meaningOf = useMeanings()
  const [text, setText] = useState('')
  const [all, setAll] = useState(false)
  const { value, problem } = useLoaded('config', () => call('config'), 10_000)
  const words = text.toLowerCase().split(/\s+/)
  const rows = value?.rows.filter(
    (row) =>
      (all || text !== '' || row.from !== 'default') &&
      words.every((word) =>
        `${row.option} ${row.value ?? ''} ${row.of}`.toLowerCase().includes(word),
      ),
  )
  return (
    <section className="table-page">
      <div className="page-tools-row">
        <input
          type="search"
          aria-label={b.config.search}
          placeholder={b.config.search}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Check label={b.config.all} checked={all} onChange={setAll} />
      </div>
      {problem !== null && <p className="problem">{problem}</p>}
      {value !== null && (
        <p className="is-quiet config-files">
          {value.files.length === 0 ? b.config.noFile : b.config.files(value.files)}
        </p>
      )}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.config}>
        <table className="config-table">
          <thead>
            <tr>
              {[b.config.option, b.config.value, b.config.where, b.config.holds].map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows?.map((row) => (
              <Row
                key={`${row.section} ${row.of} ${row.option}`}
                row={row}
                meaning={meaningOf(row.summary)}
                isOneFile={value?.files.length === 1}
              />
            ))}
          </tbody>
        </table>
        {rows?.length === 0 && (
          <p className="empty">{text === '' ? b.config.none : b.config.noHit}</p>
        )}
      </div>
    </section>
  )
}

/** What an option does, in the language of the page; the broker says it in English. */
function useMeanings(): (summary: string) => string {
  const language = useLanguage()
  const [words, setWords] = useState<Readonly<Record<string, string>> | null>(null)
  useEffect(() => {
    if (language === 'zh')
      import('./option-words-zh.json').then(
        (loaded) => setWords(loaded.default),
        () => setWords({}),
      )
  }, [language])
  if (language !== 'zh') return (summary) => summary
  return (summary) => (words === null ? '' : (words[summary] ?? summary))
}

/** @param isOneFile Its path stands above the table: its name is enough. */
function Row({ row, meaning, isOneFile }: { row: ConfigRow; meaning: string; isOneFile: boolean }) {
  const b = useBrokerText()
  const file = isOneFile ? row.file?.split(/[\\/]/).at(-1) : row.file
  const where = row.file === null ? '' : `${file}:${row.line}`
  return (
    <tr title={meaning}>
      <td className="mono">{row.option}</td>
      <td className="mono is-value">
        {row.value === null ? <i>{b.config.hidden}</i> : row.value === '' ? '–' : row.value}
      </td>
      <td>
        {row.from === 'file' ? <span className="mono">{where}</span> : b.config.from[row.from]}
        {row.from === 'environment' && where !== '' && <span className="mono"> {where}</span>}
      </td>
      <td>
        {b.config.sections[row.section]} {row.of !== '' && <span className="mono">{row.of}</span>}
        {!row.reload && <small className="is-quiet"> · {b.config.atStart}</small>}
      </td>
    </tr>
  )
}
