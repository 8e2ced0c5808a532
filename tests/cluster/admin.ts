/** Questions to the admin API of a node. */
import { ADMIN, type ClusterBroker } from './brokers.ts'

/** `body`: it is a POST. */
export async function askPages(
  { httpPort }: Pick<ClusterBroker, 'httpPort'>,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64')
  const headers = {
    authorization: `Basic ${login}`,
    'content-type': 'application/json',
    'x-csrf-token': 'test',
  }
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/${path}`, {
    headers,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Record<string, unknown>
}
