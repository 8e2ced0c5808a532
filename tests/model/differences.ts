/** Where mosquitto 2.0 does something else than the model, on purpose or not; a sequence ends at the first of them. */
import type { Outcome } from './run.ts'

interface Difference {
  readonly what: string
  /** What the standard says, or why either is right. */
  readonly why: string
  readonly fault: RegExp
  /** What has to be among the steps, as JSON. */
  readonly steps?: RegExp
}

/** Two more are in its `Profile`: it does not say why it closes, and drops wills at takeovers. */
export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'more than Receive Maximum is sent again on resumption',
    why: '[MQTT-3.3.4-9] holds for a new connection with a smaller window, too',
    fault: /messages unacknowledged, Receive Maximum/,
  },
  {
    what: 'a new shared subscription gets retained messages',
    why: '3.8.4: they are not sent when a shared subscription is made',
    fault: /PUBLISH .*retain.*not owed/,
    steps: /\$share/,
  },
  {
    what: 'UNSUBACK says 0 for some subscriptions that did not exist',
    why: '3.11.3: 0x11 is for that',
    fault: /UNSUBACK .*codes/,
  },
  {
    what: 'a copy has the identifier of another subscription, or none',
    why: '[MQTT-3.3.4-3] names the one that matched',
    fault: /subscription identifier/,
  },
  {
    what: 'keep alive is exceeded by seconds before it is noticed',
    why: '[MQTT-3.1.2-22] says one and a half times; it looks every few seconds',
    fault: /is still open/,
    steps: /keepAliveSeconds/,
  },
  {
    what: 'PUBREL for an unknown identifier says 0',
    why: '0x92 tells the client that the exchange was lost (3.6.2.1)',
    fault: /PUBREL .*reason code 0x0, allowed 0x92/,
  },
  {
    what: 'a will reaches its own client while that is taken over, or is late',
    why: '[MQTT-3.1.2-8]: it is published once the connection is closed, and its session may be over then',
    fault: /PUBLISH .*not owed/,
    steps: /"will"/,
  },
  {
    what: 'a session without subscriptions is gone after a restart',
    why: '4.1: it has its expiry, whatever is in it',
    fault: /session present is false/,
    steps: /restart/,
  },
  {
    what: 'shared subscriptions are gone after a restart',
    why: '4.1: they are part of the session as others are',
    fault: /share.*not sent/,
    steps: /restart/,
  },
  {
    what: 'subscribing again does not change retain as published',
    why: '[MQTT-3.8.4-3] replaces the subscription with its options',
    fault: /wrong is its retain flag/,
  },
  {
    what: 'a QoS 2 PUBLISH that comes a third time ends the connection',
    why: '[MQTT-4.3.3-10]: it is answered until PUBREL comes',
    fault: /was closed|DISCONNECT .*0x82: nothing/,
    steps: /"again"/,
  },
  {
    what: 'a will with a delay is lost at a clean takeover or a protocol error',
    why: '[MQTT-3.1.2-8], [MQTT-3.1.3-9]: it goes out when the session ends, or the delay is over',
    fault: /not sent/,
    steps: /"will"/,
  },
  {
    what: 'a session ends with a protocol error of its client',
    why: '4.1: only its expiry and a clean start end it',
    fault: /session present is false/,
  },
  {
    what: 'a session outlives its expiry by some seconds',
    why: '[MQTT-3.1.2-23]; it looks every few seconds',
    fault: /session present is true/,
    steps: /"pass"/,
  },
  {
    what: 'a packet is longer than the client takes',
    why: '[MQTT-3.1.2-24]',
    fault: /a packet of \d+ bytes, maximum/,
  },
  {
    what: 'topic alias 0 is malformed (0x81)',
    why: '3.3.2.3.4 names 0x94',
    fault: /reason code 0x81, allowed 0x94/,
  },
]

export function differenceOf({ fault, steps }: Outcome): string | null {
  if (fault === null) return null
  const text = JSON.stringify(steps)
  const found = DIFFERENCES.find(
    (each) => each.fault.test(fault) && (each.steps?.test(text) ?? true),
  )
  return found?.what ?? null
}
