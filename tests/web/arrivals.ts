/** Messages as they come to the page. */
import { Capture, type Arrival } from '../../web/src/capture/capture.ts'
import { View } from '../../web/src/capture/view.ts'

export const utf8 = (text: string) => new TextEncoder().encode(text)

export function arrival(
  topic: string,
  payload: string | Uint8Array,
  more: Partial<Arrival> = {},
): Arrival {
  return {
    topic,
    payload: typeof payload === 'string' ? utf8(payload) : payload,
    timeMs: 1000,
    outgoing: false,
    qos: 0,
    retain: false,
    dup: false,
    properties: null,
    ...more,
  }
}

export function captured(limits = { messagesMax: 100, bytesMax: 10_000, topicsMax: 200 }) {
  const capture = new Capture(limits)
  const view = new View(capture)
  capture.onKept = (seq) => view.add(seq)
  return { capture, view }
}
