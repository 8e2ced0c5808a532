/** Questions and orders to the admin API of a running broker. */

const ANSWER_MS_MAX = 10_000
const ROWS_PER_PAGE = 500
const FAILURE_EXIT_CODE = 1

/** The options that name a broker, and what is common to the commands that ask one. */
export const API_OPTIONS = {
  url: { type: 'string', default: 'http://127.0.0.1:9883' },
  username: { type: 'string', short: 'u' },
  password: { type: 'string', short: 'P' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/** Which broker, and as whom. */
export interface ApiPlace {
  /** Of the admin API. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** Asks `GET /api/v1/PATH`. Throws what to tell a person. */
export async function askApi<Reply>(
  place: ApiPlace,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<Reply> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  const text = new URLSearchParams(given).toString()
  return await send(place, text === '' ? path : `${path}?${text}`, {})
}

/** Every row of a list that comes in pages. Throws what to tell a person. */
export async function* askRows<Row>(place: ApiPlace, path: string): AsyncIterable<Row> {
  const pageSize = String(ROWS_PER_PAGE)
  for (let page = 1, left = true; left; page++) {
    const query = { page: String(page), pageSize }
    const { items, total } = await askApi<{ items: Row[]; total: number }>(place, path, query)
    yield* items
    left = items.length > 0 && page * ROWS_PER_PAGE < total
  }
}

/** Runs a command; what it throws is told, and is its exit code. */
export async function orFail(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`)
    process.exitCode = FAILURE_EXIT_CODE
  }
}

/** Has `/api/v1/PATH` change something. Throws what to tell a person. */
export async function tellApi<Reply>(
  place: ApiPlace,
  method: 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Reply> {
  // Any value: no foreign page can set this header.
  const headers = { 'x-csrf-token': 'mozzie' }
  if (body === undefined) return await send(place, path, { method, headers })
  const withBody = { ...headers, 'content-type': 'application/json' }
  return await send(place, path, { method, headers: withBody, body: JSON.stringify(body) })
}

async function send<Reply>(
  place: ApiPlace,
  path: string,
  request: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<Reply> {
  const base = place.url.endsWith('/') ? place.url : `${place.url}/`
  if (!URL.canParse(base))
    throw new Error(`"${place.url}" is no address such as http://127.0.0.1:9883`)
  let response: Response
  try {
    response = await fetch(new URL(`api/v1/${path}`, base), {
      ...request,
      headers: { ...headersOf(place), ...request.headers },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
  } catch (error) {
    const { cause, message } = error as Error
    throw new Error(
      `no broker answers at ${base}: ${(cause as Error | undefined)?.message ?? message}`,
      { cause: error },
    )
  }
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  if (!isJson)
    throw new Error(`what answers at ${base} is no admin API of Mozzie (HTTP ${response.status})`)
  const reply = (await response.json()) as Reply & { message?: string }
  if (!response.ok) throw new Error(reply.message ?? `HTTP ${response.status}`)
  return reply
}

function headersOf({
  username,
  password = process.env['MOZZIE_PASSWORD'] ?? '',
}: ApiPlace): Record<string, string> {
  if (username === undefined) return {}
  const login = Buffer.from(`${username}:${password}`).toString('base64')
  return { authorization: `Basic ${login}` }
}
