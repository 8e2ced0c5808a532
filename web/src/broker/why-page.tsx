/** Why does a client not get a topic? One chain, the verdict first. */
import { useEffect, useState, type FormEvent } from 'react'
import { dateTimeText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { TextField, Unbroken } from '../ui/parts.tsx'
import { useLanguage, useText } from '../ui/text.ts'
import { call, type WhyQuery, type WhyReply } from './api.ts'
import { useBrokerText } from './text.ts'
import { useShown } from './use-api.ts'
import { whyAddress } from '../model/why-address.ts'
import * as chinese from './why-zh.ts'

type Link = WhyReply['links'][number]

function questionOfHash(): WhyQuery {
  const query = new URLSearchParams(location.hash.split('?')[1] ?? '')
  const [client, topic] = [query.get('client'), query.get('topic')]
  return { ...(client && { client }), ...(topic && { topic }) }
}

const isEmpty = ({ client = '', topic = '' }: WhyQuery) => client === '' && topic === ''

function useAnswer(asked: WhyQuery): { reply: WhyReply | null; problem: string | null } {
  const [reply, setReply] = useState<WhyReply | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    setReply(null)
    setProblem(null)
    if (isEmpty(asked)) return
    let isStale = false
    call('why', { query: asked }).then(
      (value) => {
        if (!isStale) setReply(value)
      },
      (error: unknown) => {
        if (!isStale) setProblem(error instanceof Error ? error.message : String(error))
      },
    )
    return () => {
      isStale = true
    }
  }, [asked])
  useShown(reply === null ? null : true)
  return { reply, problem }
}

export function WhyPage() {
  const t = useText()
  const b = useBrokerText()
  const [asked, setAsked] = useState(questionOfHash)
  const [client, setClient] = useState(asked.client ?? '')
  const [topic, setTopic] = useState(asked.topic ?? '')
  useEffect(() => {
    const onHash = () => {
      const next = questionOfHash()
      setAsked(next)
      setClient(next.client ?? '')
      setTopic(next.topic ?? '')
    }
    addEventListener('hashchange', onHash)
    return () => removeEventListener('hashchange', onHash)
  }, [])
  const { reply, problem } = useAnswer(asked)
  // What is being typed has no answer yet.
  const isAsked = client === (asked.client ?? '') && topic === (asked.topic ?? '')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const question = { ...(client !== '' && { client }), ...(topic !== '' && { topic }) }
    history.replaceState(null, '', whyAddress(question))
    setAsked(question)
  }
  return (
    <form className="chart-card ask is-narrow" onSubmit={submit}>
      <h2>{b.whyTitle}</h2>
      <p className="hint">{b.whyText}</p>
      <div className="grid">
        <TextField label={b.columns.clientId} mono value={client} onChange={setClient} />
        <TextField
          label={t.topic}
          mono
          value={topic}
          placeholder="home/kitchen/light"
          onChange={setTopic}
        />
      </div>
      <button type="submit" className="button is-primary" disabled={isEmpty({ client, topic })}>
        {b.ask}
      </button>
      {isAsked && problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {isAsked && reply !== null && <Chain reply={reply} />}
    </form>
  )
}

function Chain({ reply }: { reply: WhyReply }) {
  const t = useText()
  const b = useBrokerText()
  const wordsOf = useLinkWords()
  const verdict = reply.links.find(
    ({ finding, state }) => state === 'bad' && finding === reply.finding,
  )
  const words = verdict === undefined ? null : wordsOf(verdict)
  const since = dateTimeText(reply.sinceMs).slice(0, 19)
  const noted = reply.links.filter(({ finding }) => reply.noted.includes(finding)).map(wordsOf)
  const said = [
    words === null ? b.whyInOrder : t.sentences([words.question, words.answer]),
    ...noted.map(({ question, answer }) => t.sentences([question, answer])),
  ]
  return (
    <>
      <div
        role="status"
        className={`verdict ${verdict === undefined ? 'is-allowed' : 'is-refused'}`}
      >
        <b>
          <Icon name={verdict === undefined ? 'check' : 'warn'} />
          <span className="why-verdict">{t.sentences(said)}</span>
        </b>
        {words !== null && words.evidence !== '' && <p className="mono">{words.evidence}</p>}
      </div>
      <ol className="why-chain" aria-label={b.whyTitle}>
        {reply.links.map((link) => (
          <ChainLink key={`${link.check}${link.finding}`} link={link} {...wordsOf(link)} />
        ))}
      </ol>
      <p className="hint">
        <Unbroken text={b.whySince(since)} part={since} />
      </p>
    </>
  )
}

const STATE_ICONS = { good: 'check', bad: 'warn', note: 'info' } as const

function ChainLink({ link, question, answer, evidence }: { link: Link } & LinkWords) {
  const t = useText()
  const b = useBrokerText()
  return (
    <li className={`is-${link.state}`}>
      <Icon name={STATE_ICONS[link.state]} />
      <span>
        <span className="visually-hidden">{t.labelled(b.whyStates[link.state], '')}</span>
        {t.sentences([question, ''])}
        <b>{answer}</b>
      </span>
      {link.timeMs === null ? (
        <span />
      ) : (
        <time className="is-quiet mono">{dateTimeText(link.timeMs).slice(5, 19)}</time>
      )}
      {evidence !== '' && <span className="evidence is-quiet mono">{evidence}</span>}
    </li>
  )
}

interface LinkWords {
  readonly question: string
  readonly answer: string
  readonly evidence: string
}

/** The API speaks English; other languages have words of their own for what it found. */
function useLinkWords(): (link: Link) => LinkWords {
  const language = useLanguage()
  return (link) => {
    if (language === 'en') return link
    const { check, finding, values } = link
    const words = chinese.answers[finding as keyof typeof chinese.answers]
    if (words === undefined) return link
    const [answer, evidence] = words(values)
    const question = chinese.questions[check as keyof typeof chinese.questions] ?? link.question
    return { question, answer, evidence }
  }
}
