/** What `why` says, in English. The page has the same table in other languages, by the same names. */

/** What is asked, in the order of the chain. */
export const QUESTIONS = {
  refused: 'Was its connection accepted?',
  banned: 'Is it banned?',
  known: 'Does the broker know this client?',
  nameless: 'Were connections turned away before they gave a client ID?',
  takeover: 'Is another device using its client ID?',
  connected: 'Is it connected now?',
  receivers: 'Who is subscribed to this topic?',
  subscription: 'Is it subscribed?',
  rights: 'Is it allowed to receive this topic?',
  publishing: 'Is it allowed to publish to this topic?',
  qos: 'At what QoS does it receive?',
  retainFlag: 'Is the retain flag set on what it receives?',
  ownMessages: 'Does it receive what it publishes itself?',
  queue: 'Are messages for it held back or dropped?',
  expiry: 'Do its queued messages expire?',
  acknowledged: 'When did it last acknowledge a message?',
  will: 'Does it have a will?',
  retained: 'Is there a retained message?',
} as const

export type Check = keyof typeof QUESTIONS

/** What an answer is made of, as text. */
export type Values = Readonly<Record<string, string>>

/** Answer and evidence; the evidence may be empty. */
type Words = (values: Values) => readonly [answer: string, evidence: string]

export const DIFFERENCES: Readonly<Record<string, string>> = {
  case: 'only upper and lower case differ',
  space: 'there is an extra or a missing space',
  slash: 'there is an extra or a missing slash at one end',
  dollar: 'a leading wildcard does not match topics that begin with $',
  several: 'upper and lower case, spaces or slashes at the ends differ',
  letter: 'one character differs',
  level: 'there is an extra or a missing level',
}

const DROPS: Readonly<Record<string, string>> = {
  queueFull: 'its queue was full',
  slowClient: 'it did not read fast enough',
  slowThread: 'the worker thread that serves it was too far behind',
  overClientMaximum: 'the message was larger than the client accepts',
  expired: 'the message expired in the queue',
  notAllowed: 'it is no longer allowed to read the topic',
  overSizeLimit: 'the message was larger than the broker accepts',
  unreadable: 'the message could not be read from disk',
  memory: 'the broker was short of memory',
}

/** `1 message`, `2 messages`. */
const counted = (count: string | undefined, one: string, more: string): string =>
  `${count} ${count === '1' ? one : more}`
const messages = (count: string | undefined): string => counted(count, 'message', 'messages')
const userOf = (user: string | undefined): string => (user ? `user ${user}` : 'anonymous')

/** `45 s`, `12 min`, `3 h`, `2 d`. */
function span(seconds: string | undefined): string {
  const count = Number(seconds)
  if (count < 120) return `${count} s`
  if (count < 7200) return `${Math.round(count / 60)} min`
  return count < 172_800 ? `${Math.round(count / 3600)} h` : `${Math.round(count / 86_400)} d`
}

export const ANSWERS = {
  refusedNow: ({ reason = '', remote, user, count }) => [
    `No. The broker refused it: ${reason}.`,
    `from ${remote}, ${userOf(user)}; ${counted(count, 'refusal', 'refusals')} on record`,
  ],
  refusedBefore: ({ reason = '', remote, user, count }) => [
    `Yes, but it had been refused before: ${reason}.`,
    `from ${remote}, ${userOf(user)}; ${counted(count, 'refusal', 'refusals')} on record`,
  ],
  refusedBesides: ({ reason = '', remote, user, count }) => [
    `Yes, but a later attempt with its client ID was refused: ${reason}.`,
    `from ${remote}, ${userOf(user)}; ${counted(count, 'refusal', 'refusals')} on record`,
  ],
  banned: ({ until, reason, by, id, target }) => [
    `Yes, ${until || 'permanently'}${reason ? `: ${reason}` : ''}.`,
    `${target}, banned by ${by}; to lift the ban: mozzie ban lift ${id}`,
  ],
  seen: () => ['Yes.', ''],
  neverSeen: () => [
    "No. It has never connected, as far back as the broker's records go.",
    'no session, and no attempt to connect that gave this client ID',
  ],
  nearId: ({ other }) => [
    'No. It has never connected, but one with almost the same client ID has.',
    `"${other}"`,
  ],
  turnedAway: ({ count, reason, remote }) => [
    `Yes, ${counted(count, 'connection', 'connections')} in the last hour, which may have been its own; the last: ${reason}.`,
    `from ${remote}`,
  ],
  sessionExpired: () => ['Not any more: its session has expired.', ''],
  gone: ({ reason }) => ['Not any more: it has gone and left no session behind.', reason ?? ''],
  oneDevice: () => ['No.', ''],
  twoDevices: ({ count, addresses }) => [
    `Yes. Two devices keep disconnecting each other: ${counted(count, 'takeover', 'takeovers')} in the last hour.`,
    `from ${addresses}`,
  ],
  takeoversFromOne: ({ count, addresses }) => [
    `It looks like it: ${counted(count, 'takeover', 'takeovers')} in the last hour, all from one address. Either two programs there share the client ID, or one reconnects before its old connection is closed.`,
    `from ${addresses}`,
  ],
  takenOver: ({ addresses }) => [
    'Possibly: a new connection has replaced an older one.',
    `from ${addresses}`,
  ],
  online: ({ remote }) => ['Yes.', `from ${remote}`],
  offlineKept: ({ reason, queued }) => [
    queued === '0'
      ? 'No. Its session is kept; nothing is queued for it.'
      : `No. Its session is kept, with ${messages(queued)} queued.`,
    reason ?? '',
  ],
  offlineGone: ({ reason }) => ['No, and nothing is kept for it.', reason ?? ''],
  receivers: ({ count }) => [
    `${counted(count, 'subscription matches', 'subscriptions match')}.`,
    '',
  ],
  receiversSome: ({ count, denied }) => [
    `${counted(count, 'subscription matches', 'subscriptions match')}, but the access rules deny the topic to ${denied} of them.`,
    '',
  ],
  receiversDenied: ({ count }) => [
    `${counted(count, 'subscription matches', 'subscriptions match')}, but the access rules let none of these clients receive the topic.`,
    '',
  ],
  receiversAway: ({ count }) => [
    `${counted(count, 'subscription matches', 'subscriptions match')}, but no such client is connected. Messages at QoS 1 and 2 are kept for some.`,
    '',
  ],
  receiversGone: ({ count }) => [
    `${counted(count, 'subscription matches', 'subscriptions match')}, but no such client is connected, and nothing is kept for them.`,
    '',
  ],
  noReceivers: () => ['Nobody.', ''],
  noReceiversNear: ({ filter, difference = '', clientId }) => [
    `Nobody, but one subscription almost matches: ${DIFFERENCES[difference] ?? difference}.`,
    `"${filter}", client ${clientId}`,
  ],
  matches: ({ filter }) => ['Yes.', `"${filter}"`],
  matchesShare: ({ filter, group }) => [
    `Yes, in the shared group ${group}: each message goes to only one of its members.`,
    `"${filter}"`,
  ],
  subscribeRefused: ({ filter, reason }) => [
    `No. It tried, and the broker refused the subscription: ${reason}.`,
    `"${filter}"`,
  ],
  nearMiss: ({ filter, difference = '' }) => [
    `Not to this topic, but one subscription almost matches: ${DIFFERENCES[difference] ?? difference}.`,
    `"${filter}"`,
  ],
  noMatch: ({ count }) => [
    count === '1'
      ? 'Not to this topic: its only subscription does not match.'
      : `Not to this topic: none of its ${count} subscriptions matches.`,
    '',
  ],
  noSubscriptions: () => ['No, it has no subscriptions at all.', ''],
  someSubscriptions: ({ count }) => [
    `Yes, it has ${counted(count, 'subscription', 'subscriptions')}.`,
    '',
  ],
  mayReceive: ({ because }) => ['Yes.', because ?? ''],
  mayNotReceive: ({ because }) => ['No. The access rules deny it.', because ?? ''],
  rightsUnknown: ({ because }) => ['Not known yet.', because ?? ''],
  mayPublish: ({ because }) => ['Yes.', because ?? ''],
  mayNotPublish: ({ because }) => ['No. The access rules deny it.', because ?? ''],
  qos: ({ qos }) => [`At most QoS ${qos}.`, ''],
  qosAsAsked: ({ qos }) => [`At most QoS ${qos}, as it requested.`, ''],
  qosLowered: ({ qos, asked }) => [
    `At most QoS ${qos}, though it requested QoS ${asked}: its listener grants no more.`,
    `max_qos ${qos}`,
  ],
  qosNotKept: () => ['QoS 0. While it is offline, QoS 0 messages are not queued for it.', ''],
  retainAsPublished: () => [
    'On everything that was published with it: it asked for Retain As Published.',
    '',
  ],
  retainWhenKept: () => [
    'Only on what was retained before it subscribed: it did not ask for Retain As Published.',
    '',
  ],
  noLocal: () => ['No: it subscribed with No Local.', ''],
  queueEmpty: () => ['No. Nothing is queued, and nothing was dropped in the last hour.', ''],
  waiting: ({ queued, inflight }) => [
    `Held back for now: ${messages(queued)} queued, ${inflight} sent but not yet acknowledged.`,
    '',
  ],
  windowFull: ({ queued, inflight, window }) => [
    `Yes. It is not acknowledging: ${counted(inflight, 'message is', 'messages are')} in flight, the most allowed, and ${queued} more queued.`,
    `window ${window}: its Receive Maximum, or max_inflight_messages`,
  ],
  slowToAck: ({ queued, inflight, window }) => [
    `Yes. It acknowledges more slowly than messages come: ${inflight} in flight, the most allowed, and ${queued} more queued.`,
    `window ${window}: its Receive Maximum, or max_inflight_messages`,
  ],
  dropped: ({ count, reason = '', queued }) => [
    `Yes. ${counted(count, 'message was dropped', 'messages were dropped, the last')} because ${DROPS[reason] ?? reason}.`,
    `${messages(queued)} queued`,
  ],
  expiresNext: ({ seconds }) => [`Yes, the next one in ${span(seconds)}.`, ''],
  expiredNext: () => ['At least one already has: it will be dropped, not sent.', ''],
  neverAcked: () => ['Never since its session was loaded into memory.', ''],
  acked: ({ seconds }) => [`${span(seconds)} ago.`, ''],
  willPublished: ({ topic }) => ['It had one, and it was published.', `"${topic}"`],
  willDenied: ({ topic }) => ['It had one, but the access rules denied it.', `"${topic}"`],
  willSet: ({ topic }) => ['Yes, to be published if its connection is lost.', `"${topic}"`],
  willWaits: ({ topic, seconds }) => [
    `Yes, to be published in ${span(seconds)} unless it comes back.`,
    `"${topic}"`,
  ],
  retained: () => ['Yes. New subscribers receive it immediately.', ''],
  retainedNotShared: ({ group }) => [
    `Yes, but it is not sent to the shared group ${group}: shared subscriptions get no retained messages.`,
    '',
  ],
  retainedNotAsked: () => [
    'Yes, but it is not sent to this client: it subscribed with Retain Handling 2.',
    '',
  ],
  retainedOnce: () => [
    'Yes, but it is sent only when the subscription is new: the client subscribed with Retain Handling 1.',
    '',
  ],
  notRetained: () => ['No. New subscribers get nothing until the next message.', ''],
} as const satisfies Record<string, Words>

export type Finding = keyof typeof ANSWERS

export const isFinding = (name: string): name is Finding => Object.hasOwn(ANSWERS, name)

/** What is said behind which verdict: it stands in no message's way for sure, and may yet be what is asked about. */
export const NOTED: Readonly<Partial<Record<Finding, Finding | 'inOrder'>>> = {
  turnedAway: 'neverSeen',
  matchesShare: 'inOrder',
  noLocal: 'inOrder',
  retainedNotShared: 'inOrder',
  retainedNotAsked: 'inOrder',
  retainedOnce: 'inOrder',
}

export const IN_ORDER = 'No problem found.'
