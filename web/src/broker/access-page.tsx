/** Asks the access rules what they would say, and which rule says it. */
import { useState, type FormEvent } from 'react'
import { Icon } from '../ui/icons.tsx'
import { Check, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { useOutcome } from '../ui/use-outcome.ts'
import { call, type AclQuery, type AclReply } from './api.ts'
import { useBrokerText } from './text.ts'
import { useShown } from './use-api.ts'

/** What the rules say to the question. */
function useVerdict() {
  const [asked, setAsked] = useState<AclQuery>({
    action: 'publish',
    topic: '',
    username: '',
    clientId: '',
    qos: 0,
    retain: false,
  })
  const put = (patch: Partial<AclQuery>) => setAsked({ ...asked, ...patch })
  const { value, problem, run } = useOutcome(asked, () => {
    const { username = '', clientId = '', ...rest } = asked
    const query = {
      ...rest,
      ...(username !== '' && { username }),
      ...(clientId !== '' && { clientId }),
    }
    return call('aclTest', { query })
  })
  const test = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return { asked, put, test, answer: value, problem }
}

export function AccessPage() {
  const b = useBrokerText()
  const { asked, put, test, answer, problem } = useVerdict()
  useShown(answer === null ? null : true)
  return (
    <form className="chart-card ask is-narrow" onSubmit={test}>
      <h2>{b.aclTitle}</h2>
      <p className="hint">{b.aclText}</p>
      <QuestionFields asked={asked} put={put} />
      <button type="submit" className="button is-primary" disabled={asked.topic === ''}>
        {b.test}
      </button>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {answer !== null && <Verdict answer={answer} />}
    </form>
  )
}

interface FieldsProps {
  asked: AclQuery
  put: (patch: Partial<AclQuery>) => void
}

function QuestionFields({ asked, put }: FieldsProps) {
  const t = useText()
  const b = useBrokerText()
  return (
    <div className="grid">
      <TextField
        label={b.columns.username}
        value={asked.username ?? ''}
        placeholder={b.anonymous}
        onChange={(username) => put({ username })}
      />
      <TextField
        label={b.columns.clientId}
        mono
        value={asked.clientId ?? ''}
        onChange={(clientId) => put({ clientId })}
      />
      <Select
        label={b.action}
        value={asked.action}
        options={[
          ['publish', b.actions.publish],
          ['subscribe', b.actions.subscribe],
          ['receive', b.actions.receive],
        ]}
        onChange={(action) => put({ action })}
      />
      <TextField
        label={t.topic}
        mono
        value={asked.topic}
        placeholder="home/kitchen/light"
        onChange={(topic) => put({ topic })}
      />
      <Select
        label="QoS"
        value={asked.qos ?? 0}
        options={[
          [0, '0'],
          [1, '1'],
          [2, '2'],
        ]}
        onChange={(qos) => put({ qos })}
      />
      <Check
        label={t.retain}
        checked={asked.retain ?? false}
        onChange={(retain) => put({ retain })}
      />
    </div>
  )
}

function Verdict({ answer }: { answer: AclReply }) {
  const t = useText()
  const b = useBrokerText()
  const { allowed, explanation, rule, file, line } = answer
  return (
    <div role="status" className={`verdict ${allowed ? 'is-allowed' : 'is-refused'}`}>
      <b>
        <Icon name={allowed ? 'check' : 'close'} /> {allowed ? b.allowed : b.refused}
      </b>
      {rule === null && <p>{b.reasonWords(explanation)}</p>}
      {rule !== null && (
        <p>
          {t.labelled(b.rule, '')}
          <code>{rule}</code>{' '}
          {file !== null && (
            <span className="mono is-quiet">
              {file}
              {line !== null && `:${line}`}
            </span>
          )}
        </p>
      )}
    </div>
  )
}
