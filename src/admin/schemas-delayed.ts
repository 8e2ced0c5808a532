/** What the API says of messages that wait for their time. */
import { flag, integer, object, text, type Static } from './schema.ts'
import { keptProperties } from './schemas-clients.ts'
import { pagedOfAll } from './schemas-pages.ts'

const delayedRow = object({
  id: text('Names it, for cancelling.'),
  ...keptProperties,
  retain: flag('To be retained.'),
  dueAtMs: integer('When it is published: wall clock, ms since 1970.'),
  preview: text('The first 256 bytes of the payload, in base64.'),
})
export type DelayedRow = Static<typeof delayedRow>
export const delayedPage = pagedOfAll(delayedRow)
export const delayedParams = object({
  id: text('As `/api/v1/delayed` names it.', { maxLength: 64 }),
})
