/** Reason codes, and which packet may carry which. */
import { PacketType } from './packets.ts'

/**
 * Reason string with a 0x97 that no later attempt will change, as those of a full disk do: by it a bridge knows that it need not
 * send the message again.
 */
export const TOO_LARGE_HERE = 'larger than this broker takes'

/** Reason codes by name (MQTT 5.0, 2.4). */
export const Reason = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reauthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const

const CONNACK = 1 << PacketType.connack
const PUBACK_PUBREC = (1 << PacketType.puback) | (1 << PacketType.pubrec)
const PUBREL_PUBCOMP = (1 << PacketType.pubrel) | (1 << PacketType.pubcomp)
const SUBACK = 1 << PacketType.suback
const UNSUBACK = 1 << PacketType.unsuback
const DISCONNECT = 1 << PacketType.disconnect
const AUTH = 1 << PacketType.auth
/** The four that answer a request and carry the same broad errors. */
const ANSWERS = PUBACK_PUBREC | SUBACK | UNSUBACK
/** CONNACK, SUBACK and UNSUBACK come from servers by nature; the columns tell DISCONNECT and AUTH apart. */
const NONE = 0

type ReasonRow = readonly [
  code: number,
  text: string,
  connackReturnCode: number,
  eitherSender: number,
  clientOnly: number,
  serverOnly: number,
]

/**
 * One row a code: its text, the 3.x CONNACK return code it becomes (0: none, refusals fall back to 5),
 * then the packets that carry it as masks of `1 << PacketType` by who sends them (MQTT 5.0, 2.4, 3.14.2.1
 * and 3.15.2.1). 0x10 in PUBACK and PUBREC is the server's by the standard; clients with hooks on their
 * acknowledgements send it too and it harms nobody, so it is taken from either.
 */
// prettier-ignore
const REASONS: readonly ReasonRow[] = [
  [0x00, 'Success', 0, CONNACK | ANSWERS | PUBREL_PUBCOMP | DISCONNECT, NONE, AUTH],
  [0x01, 'Granted QoS 1', 0, SUBACK, NONE, NONE],
  [0x02, 'Granted QoS 2', 0, SUBACK, NONE, NONE],
  [0x04, 'Disconnect with Will Message', 0, NONE, DISCONNECT, NONE],
  [0x10, 'No matching subscribers', 0, PUBACK_PUBREC, NONE, NONE],
  [0x11, 'No subscription existed', 0, UNSUBACK, NONE, NONE],
  [0x18, 'Continue authentication', 0, AUTH, NONE, NONE],
  [0x19, 'Re-authenticate', 0, NONE, AUTH, NONE],
  [0x80, 'Unspecified error', 5, CONNACK | ANSWERS | DISCONNECT, NONE, NONE],
  [0x81, 'Malformed Packet', 5, CONNACK | DISCONNECT, NONE, NONE],
  [0x82, 'Protocol Error', 5, CONNACK | DISCONNECT, NONE, NONE],
  [0x83, 'Implementation specific error', 5, CONNACK | ANSWERS | DISCONNECT, NONE, NONE],
  [0x84, 'Unsupported Protocol Version', 1, CONNACK, NONE, NONE],
  [0x85, 'Client Identifier not valid', 2, CONNACK, NONE, NONE],
  [0x86, 'Bad User Name or Password', 4, CONNACK, NONE, NONE],
  [0x87, 'Not authorized', 5, CONNACK | ANSWERS, NONE, DISCONNECT],
  [0x88, 'Server unavailable', 3, CONNACK, NONE, NONE],
  [0x89, 'Server busy', 3, CONNACK, NONE, DISCONNECT],
  [0x8a, 'Banned', 5, CONNACK, NONE, NONE],
  [0x8b, 'Server shutting down', 0, NONE, NONE, DISCONNECT],
  [0x8c, 'Bad authentication method', 5, CONNACK, NONE, DISCONNECT],
  [0x8d, 'Keep Alive timeout', 0, NONE, NONE, DISCONNECT],
  [0x8e, 'Session taken over', 0, NONE, NONE, DISCONNECT],
  [0x8f, 'Topic Filter invalid', 0, SUBACK | UNSUBACK, NONE, DISCONNECT],
  [0x90, 'Topic Name invalid', 5, CONNACK | PUBACK_PUBREC | DISCONNECT, NONE, NONE],
  [0x91, 'Packet Identifier in use', 0, ANSWERS, NONE, NONE],
  [0x92, 'Packet Identifier not found', 0, PUBREL_PUBCOMP, NONE, NONE],
  [0x93, 'Receive Maximum exceeded', 0, DISCONNECT, NONE, NONE],
  [0x94, 'Topic Alias invalid', 0, DISCONNECT, NONE, NONE],
  [0x95, 'Packet too large', 5, CONNACK | DISCONNECT, NONE, NONE],
  [0x96, 'Message rate too high', 0, DISCONNECT, NONE, NONE],
  [0x97, 'Quota exceeded', 3, CONNACK | PUBACK_PUBREC | SUBACK | DISCONNECT, NONE, NONE],
  [0x98, 'Administrative action', 0, DISCONNECT, NONE, NONE],
  [0x99, 'Payload format invalid', 5, CONNACK | PUBACK_PUBREC | DISCONNECT, NONE, NONE],
  [0x9a, 'Retain not supported', 5, CONNACK, NONE, DISCONNECT],
  [0x9b, 'QoS not supported', 5, CONNACK, NONE, DISCONNECT],
  [0x9c, 'Use another server', 3, CONNACK, NONE, DISCONNECT],
  [0x9d, 'Server moved', 3, CONNACK, NONE, DISCONNECT],
  [0x9e, 'Shared Subscriptions not supported', 0, SUBACK, NONE, DISCONNECT],
  [0x9f, 'Connection rate exceeded', 5, CONNACK, NONE, DISCONNECT],
  [0xa0, 'Maximum connect time', 0, NONE, NONE, DISCONNECT],
  [0xa1, 'Subscription Identifiers not supported', 0, SUBACK, NONE, DISCONNECT],
  [0xa2, 'Wildcard Subscriptions not supported', 0, SUBACK, NONE, DISCONNECT],
]

const rowOf = new Map(REASONS.map((row) => [row[0], row]))
const fromClientMasks = new Uint16Array(256)
const fromServerMasks = new Uint16Array(256)
for (const [code, , , either, client, server] of REASONS) {
  fromClientMasks[code] = either | client
  fromServerMasks[code] = either | server
}

/** The standard's name of a reason code, for logs; unknown codes as `0xNN`. */
export function reasonText(code: number): string {
  return rowOf.get(code)?.[1] ?? `0x${code.toString(16).padStart(2, '0')}`
}

/** The 3.x CONNACK return code (0..5) that stands for a 5.0 reason code; 5 for refusals without one. */
export function connackReturnCode(reason: number): number {
  if (reason === Reason.success) return 0
  return rowOf.get(reason)?.[2] || 5
}

/**
 * Whether a 5.0 packet of `type` may carry `reason`. `fromClient` undefined: the sender is not known and
 * either may be.
 */
export function isReasonAllowed(type: number, reason: number, fromClient?: boolean): boolean {
  const bit = 1 << type
  if (fromClient !== true && (fromServerMasks[reason] & bit) !== 0) return true
  return fromClient !== false && (fromClientMasks[reason] & bit) !== 0
}
