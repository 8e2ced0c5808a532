import { fromHex } from './fixture.ts'

/** Every property that a will and a PUBLISH share. */
export const MESSAGE_PROPERTIES = {
  payloadFormat: 1,
  messageExpirySeconds: 60,
  contentType: 't',
  responseTopic: 'r',
  correlationData: fromHex('01ff'),
} as const
export const MESSAGE_PROPERTIES_HEX = '01 01 02 0000003c 03 0001 74 08 0001 72 09 0002 01ff'
