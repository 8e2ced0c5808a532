/** What `why` says, in English. The page has the same table in other languages, by the same names. */

/** What is asked, in the order of the chain. */
export const QUESTIONS = {
  refused: 'Was it let in?',
  banned: 'Is it banned?',
  known: 'Does the broker know this client?',
  takeover: 'Is its client id used twice?',
  connected: 'Is it connected now?',
  receivers: 'Who subscribes to this topic?',
  subscription: 'Which of its subscriptions matches?',
  rights: 'May it receive this topic?',
  publishing: 'May it publish to this topic?',
  qos: 'What QoS does it get?',
  retainFlag: 'Does it see which messages are retained?',
  ownMessages: 'Does it get what it publishes itself?',
  queue: 'Do messages wait, or were some dropped?',
  expiry: 'Does what waits for it expire?',
  acknowledged: 'When did it last acknowledge a message?',
  will: 'Has it a will?',
  retained: 'Is there a retained message?',
} as const

export type Check = keyof typeof QUESTIONS

/** What an answer is made of, as text. */
export type Values = Readonly<Record<string, string>>

/** Answer and evidence; the evidence may be empty. */
type Words = (values: Values) => readonly [answer: string, evidence: string]

export const DIFFERENCES: Readonly<Record<string, string>> = {
  case: 'capital letters differ',
  space: 'a space is too many or missing',
  slash: 'a slash at one end is too many or missing',
  dollar: 'a wildcard at the beginning does not match topics that begin with $',
  letter: 'one letter differs',
  level: 'one level is too many or missing',
}

const DROPS: Readonly<Record<string, string>> = {
  queueFull: 'its queue was full',
  slowClient: 'it did not read fast enough',
  slowThread: 'the thread that serves it was too far behind',
  overClientMaximum: 'the message was larger than the client takes',
  expired: 'the message expired while it waited',
  notAllowed: 'it lost the right to read the topic',
  overSizeLimit: 'the message was larger than the broker takes',
  unreadable: 'the message could not be read from the disk',
  memory: 'the broker was short of memory',
}

export const ANSWERS = {
  letIn: () => ['Yes, nothing was refused.', ''],
  refusedNow: ({ reason = '', remote, user, count }) => [
    `No. The broker refused it: ${reason}.`,
    `from ${remote}, user ${user || 'anonymous'}; ${count} times lately`,
  ],
  refusedBefore: ({ reason = '', remote, count }) => [
    `Yes, but it was refused before: ${reason}.`,
    `from ${remote}; ${count} times lately`,
  ],
  banned: ({ until, reason, by, id, target }) => [
    `Yes, ${until || 'for good'}${reason ? `: ${reason}` : ''}.`,
    `${target}, by ${by}; it ends that: mozzie ban lift ${id}`,
  ],
  seen: () => ['Yes.', ''],
  neverSeen: () => [
    'No. It never connected as far back as the broker remembers.',
    'neither a session nor an attempt to connect',
  ],
  nearId: ({ other }) => ['No, but one whose id is almost the same.', `"${other}"`],
  sessionExpired: () => ['Not any more: its session expired.', ''],
  gone: ({ reason }) => ['It was here, and left no session behind.', reason ?? ''],
  oneDevice: () => ['No.', ''],
  twoDevices: ({ count, addresses }) => [
    `Yes. Two devices take the connection from each other: ${count} takeovers within the hour.`,
    `they come from ${addresses}`,
  ],
  takenOver: ({ addresses }) => [
    'A newer connection has replaced an older one.',
    `they came from ${addresses}`,
  ],
  online: ({ remote }) => ['Yes.', `from ${remote}`],
  offlineKept: ({ reason, queued }) => [
    `No. Its session is kept, and ${queued} messages wait for it.`,
    reason ?? '',
  ],
  offlineGone: ({ reason }) => ['No, and nothing is kept for it.', reason ?? ''],
  receivers: ({ count }) => [`${count} subscriptions match.`, ''],
  noReceivers: () => ['Nobody.', ''],
  noReceiversNear: ({ filter, difference = '', clientId }) => [
    `Nobody, but one subscription almost matches: ${DIFFERENCES[difference] ?? difference}.`,
    `"${filter}" of ${clientId}`,
  ],
  matches: ({ filter, group }) => [
    group
      ? `One, shared within group ${group}: each message goes to one member.`
      : 'One that matches.',
    `"${filter}"`,
  ],
  nearMiss: ({ filter, difference = '' }) => [
    `None, but one almost matches: ${DIFFERENCES[difference] ?? difference}.`,
    `"${filter}"`,
  ],
  noMatch: ({ count }) => [`None of its ${count} subscriptions.`, ''],
  noSubscriptions: () => ['It has no subscription at all.', ''],
  someSubscriptions: ({ count }) => [`It has ${count} subscriptions.`, ''],
  mayReceive: ({ because }) => ['Yes.', because ?? ''],
  mayNotReceive: ({ because }) => ['No. The access rules deny it.', because ?? ''],
  mayPublish: ({ because }) => ['Yes.', because ?? ''],
  mayNotPublish: ({ because }) => ['No. The access rules deny it.', because ?? ''],
  qos: ({ qos }) => [`At most ${qos}.`, ''],
  qosAsAsked: ({ qos }) => [`At most ${qos}, as it asked.`, ''],
  qosLowered: ({ qos }) => [`At most ${qos}: its listener grants no more.`, `max_qos ${qos}`],
  qosNotKept: () => ['0, and it is offline: messages at QoS 0 are not kept for it.', ''],
  retainAsPublished: () => ['Of all: it asked for retain as published.', ''],
  retainWhenKept: () => [
    'Only of those that were retained before it subscribed: it did not ask for retain as published.',
    '',
  ],
  noLocal: () => ['No: it asked for that, by No Local.', ''],
  queueEmpty: () => ['Nothing waits, nothing was dropped.', ''],
  waiting: ({ queued, inflight }) => [
    `${queued} messages wait; ${inflight} are sent and not acknowledged.`,
    '',
  ],
  windowFull: ({ queued, inflight, window }) => [
    `It does not acknowledge: ${inflight} messages are under way, no more may be, and ${queued} wait.`,
    `receive maximum ${window}`,
  ],
  dropped: ({ count, reason = '', queued }) => [
    `${count} messages were dropped: ${DROPS[reason] ?? reason}.`,
    `${queued} wait`,
  ],
  expiresNext: ({ seconds }) => [`The first of it in ${seconds} s.`, ''],
  neverAcked: () => ['Never since its session is in memory.', ''],
  acked: () => ['It acknowledges what it gets.', ''],
  willPublished: ({ topic }) => ['It had one, which was published.', `"${topic}"`],
  willDenied: ({ topic }) => ['It had one. The access rules denied it.', `"${topic}"`],
  willSet: ({ topic }) => ['Yes, for when its connection breaks.', `"${topic}"`],
  willWaits: ({ topic, seconds }) => [`Yes, it is published in ${seconds} s.`, `"${topic}"`],
  retained: () => ['Yes: new subscribers get it at once.', ''],
  notRetained: () => ['No: a new subscriber waits for the next message.', ''],
} as const satisfies Record<string, Words>

export type Finding = keyof typeof ANSWERS

export const IN_ORDER = 'Nothing here is in the way.'
