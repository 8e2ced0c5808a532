/** Where "why?" is answered: apart from the page itself, for the client leads there too. */
import type { WhyQuery } from './api.ts'

/** The address of the page with this question. */
export function whyAddress({ client, topic }: WhyQuery): string {
  const query = new URLSearchParams()
  if (client !== undefined) query.set('client', client)
  if (topic !== undefined) query.set('topic', topic)
  return `#broker/why?${query.toString()}`
}
