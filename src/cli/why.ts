/** `mozzie why`: asks a running broker why a client does not get a topic. */
import type { WhyLink, WhyReply } from '../admin/schemas-clients.ts'
import { API_OPTIONS, askApi, orFail, type ApiPlace } from './ask-api.ts'
import { parseWords } from './unknown-option.ts'

export const HELP = `Usage: mozzie why [--client ID] [--topic TOPIC] [--url ADDRESS] [-u USER -P PASSWORD] [--json]

Asks a running broker why a client does not get what it should, or why nobody gets a topic.
Name the client, the topic, or both.

  --client ID     client id
  --topic TOPIC   topic name, without wildcards
  --url ADDRESS   of the admin API (default http://127.0.0.1:9883)
  -u USER         an administrator of the broker (http_admin_user)
  -P PASSWORD     the password; or put it into the variable MOZZIE_PASSWORD
  --json          the whole answer as JSON

Exit code: 0 nothing is in the way, 1 the question could not be asked, 2 something is in the way.

Examples:
  mozzie why --client till-7 --topic store/12/price
  mozzie why --client till-7 --url https://broker.shop.lan:9883 -u ann
`

export const WHY_FLAGS = ['--client', '--topic', '--url', '-u', '-P', '--json', '--help'] as const

const OPTIONS = {
  client: { type: 'string' },
  topic: { type: 'string' },
  ...API_OPTIONS,
} as const

const IN_THE_WAY_EXIT_CODE = 2

const parse = (words: readonly string[]) =>
  parseWords({ args: [...words], options: OPTIONS, allowPositionals: false }).values

/** Runs `mozzie why` with the words behind its name; sets the exit code. */
export async function runWhy(words: readonly string[]): Promise<void> {
  await orFail(async (): Promise<void> => {
    const wish = parse(words)
    if (wish.help) return void process.stdout.write(HELP)
    if (wish.client === undefined && wish.topic === undefined)
      throw new Error(`name a client or a topic.\n\n${HELP}`)
    const reply = await askWhy(wish)
    process.stdout.write(wish.json ? `${JSON.stringify(reply)}\n` : textOf(reply))
    if (reply.finding !== 'inOrder') process.exitCode = IN_THE_WAY_EXIT_CODE
  })
}

/** What to ask which broker. */
export interface WhyQuestion extends ApiPlace {
  readonly client?: string | undefined
  readonly topic?: string | undefined
}

/** Asks `GET /api/v1/why` of a running broker. Throws what to tell a person. */
export function askWhy(wish: WhyQuestion): Promise<WhyReply> {
  const { client, topic } = wish
  return askApi<WhyReply>(wish, 'why', { client, topic })
}

const MARKS: Readonly<Record<WhyLink['state'], string>> = { good: 'ok', bad: '!!', note: '  ' }

function textOf({ verdict, links }: WhyReply): string {
  const lines = links.map(({ state, question, answer, evidence, timeMs }) => {
    const time = timeMs === null ? '' : ` [${new Date(timeMs).toISOString()}]`
    const because = evidence === '' ? '' : `\n     ${evidence}`
    return `${MARKS[state]}  ${question} ${answer}${time}${because}`
  })
  return `${[verdict, '', ...lines].map(safe).join('\n')}\n`
}

/** Ids and topics may hold control characters: this goes to terminals. */
function safe(text: string): string {
  return text.replace(
    /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
