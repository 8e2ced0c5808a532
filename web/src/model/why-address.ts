/** Where the page answers "why?": the client leads there, too. */

interface Question {
  readonly client?: string | undefined
  readonly topic?: string | undefined
}

/** The address of the page with this question. */
export function whyAddress({ client, topic }: Question): string {
  const query = new URLSearchParams()
  if (client !== undefined) query.set('client', client)
  if (topic !== undefined) query.set('topic', topic)
  return `#broker/why?${query.toString()}`
}
