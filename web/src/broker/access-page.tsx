/** Asks the access rules what they would say, and which rule says it. */
import { useState, type FormEvent } from 'react'
import { Icon } from '../ui/icons.tsx'
import { Check, Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { call, type AclQuery, type AclReply } from './api.ts'
import { useBrokerText } from './text.ts'

export function AccessPage() {
  const t = useText()
  const b = useBrokerText()
  const [asked, setAsked] = useState<AclQuery>({
    action: 'publish',
    topic: '',
    username: '',
    clientId: '',
    qos: 0,
    retain: false,
  })
  const [answer, setAnswer] = useState<AclReply | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const put = (patch: Partial<AclQuery>) => {
    setAsked({ ...asked, ...patch })
    setAnswer(null)
  }
  const test = async (event: FormEvent) => {
    event.preventDefault()
    try {
      const { username, clientId, ...rest } = asked
      setAnswer(
        await call('aclTest', {
          query: {
            ...rest,
            ...(username !== '' && username !== undefined && { username }),
            ...(clientId !== '' && clientId !== undefined && { clientId }),
          },
        }),
      )
      setProblem(null)
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <form className="chart-card ask is-narrow" onSubmit={(event) => void test(event)}>
      <h2>{b.aclTitle}</h2>
      <p className="hint">{b.aclText}</p>
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
      <button type="submit" className="button is-primary" disabled={asked.topic === ''}>
        {b.test}
      </button>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {answer !== null && (
        <div role="status" className={`verdict ${answer.allowed ? 'is-allowed' : 'is-refused'}`}>
          <b>
            <Icon name={answer.allowed ? 'check' : 'close'} />{' '}
            {answer.allowed ? b.allowed : b.refused}
          </b>
          <p>{answer.explanation}</p>
          {answer.rule !== null && (
            <p>
              {b.rule}: <code>{answer.rule}</code>{' '}
              {answer.file !== null && (
                <span className="mono is-quiet">
                  {answer.file}
                  {answer.line !== null && `:${answer.line}`}
                </span>
              )}
            </p>
          )}
        </div>
      )}
    </form>
  )
}
