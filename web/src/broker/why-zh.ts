/** The words of "why?" in Chinese, by the names that the API gives. */
import { durationText } from '../ui/format.ts'
import { reasonInChinese } from './reasons-zh.ts'
import type { Check, Finding, Values } from '../../../src/admin/why-words.ts'

export const questions: Readonly<Record<Check, string>> = {
  refused: '连接被接受了吗？',
  banned: '它被封禁了吗？',
  known: '服务器有这个客户端的记录吗？',
  nameless: '有连接在给出客户端 ID 之前就被拒绝吗？',
  takeover: '有其他设备在用它的客户端 ID 吗？',
  connected: '它现在在线吗？',
  receivers: '谁订阅了这个主题？',
  subscription: '它订阅了吗？',
  rights: '允许它接收这个主题的消息吗？',
  publishing: '允许它发布到这个主题吗？',
  qos: '它以什么 QoS 接收？',
  retainFlag: '它收到的消息带保留标志吗？',
  ownMessages: '它能收到自己发布的消息吗？',
  queue: '发给它的消息有积压或丢弃吗？',
  expiry: '为它排队的消息会过期吗？',
  acknowledged: '它最近一次确认消息是什么时候？',
  will: '它有遗嘱吗？',
  retained: '这个主题有保留消息吗？',
}

const differences: Readonly<Record<string, string>> = {
  case: '只有大小写不同',
  space: '多了或少了空格',
  slash: '首尾多了或少了斜杠',
  dollar: '以通配符开头的过滤器不匹配以 $ 开头的主题',
  several: '大小写、空格或首尾斜杠不止一处不同',
  letter: '有一个字符不同',
  level: '多了或少了一层',
}

const drops: Readonly<Record<string, string>> = {
  queueFull: '它的队列已满',
  slowClient: '它接收太慢',
  slowThread: '为它服务的工作线程积压太多',
  overClientMaximum: '消息超过客户端允许的大小',
  expired: '消息在排队期间过期',
  notAllowed: '它已没有读取该主题的权限',
  overSizeLimit: '消息超过服务器允许的大小',
  unreadable: '无法从磁盘读取消息',
  memory: '服务器内存不足',
}

const span = (seconds: string | undefined): string => durationText(Number(seconds) * 1000, 'zh')
const refusedFrom = (remote?: string, user?: string, count?: string): string =>
  `来自 ${remote}，${user ? `用户 ${user}` : '匿名'}；记录中共拒绝 ${count} 次`

export const answers: Readonly<
  Record<Finding, (values: Values) => readonly [answer: string, evidence: string]>
> = {
  refusedNow: ({ reason = '', remote, user, count }) => [
    `没有，服务器拒绝了它：${reasonInChinese(reason)}。`,
    refusedFrom(remote, user, count),
  ],
  banned: ({ until, reason, by, id, target }) => [
    `是，${until ? `直到 ${until.replace('until ', '')}` : '永久封禁'}${reason ? `：${reason}` : ''}。`,
    `${target}，由 ${by} 封禁；解除：mozzie ban lift ${id}`,
  ],
  refusedBefore: ({ reason = '', remote, user, count }) => [
    `接受了，但之前被拒绝过：${reasonInChinese(reason)}。`,
    refusedFrom(remote, user, count),
  ],
  refusedBesides: ({ reason = '', remote, user, count }) => [
    `接受了，但之后又有人用它的客户端 ID 连接，被拒绝：${reasonInChinese(reason)}。`,
    refusedFrom(remote, user, count),
  ],
  seen: () => ['有。', ''],
  neverSeen: () => [
    '没有。在服务器的记录范围内，它从未连接过。',
    '没有会话，也没有以这个客户端 ID 尝试过连接',
  ],
  nearId: ({ other }) => ['没有，它从未连接过，但有一个几乎相同的客户端 ID。', `"${other}"`],
  turnedAway: ({ count, reason = '', remote }) => [
    `有，最近一小时 ${count} 次，其中可能有它的连接；最近一次：${reasonInChinese(reason)}。`,
    `来自 ${remote}`,
  ],
  sessionExpired: () => ['已经没有了：会话已过期。', ''],
  gone: ({ reason }) => ['已经没有了：它断开后没有留下会话。', reasonInChinese(reason ?? '')],
  oneDevice: () => ['没有。', ''],
  twoDevices: ({ count, addresses }) => [
    `有。两台设备不断把对方挤下线：最近一小时接管 ${count} 次。`,
    `来自 ${addresses}`,
  ],
  takeoversFromOne: ({ count, addresses }) => [
    `看来有：最近一小时接管 ${count} 次，都来自同一地址。要么那里有两个程序用了同一个客户端 ID，要么一台设备在旧连接关闭之前就重连了。`,
    `来自 ${addresses}`,
  ],
  takenOver: ({ addresses }) => ['可能有：一个新连接取代了旧连接。', `来自 ${addresses}`],
  online: ({ remote }) => ['在线。', `来自 ${remote}`],
  offlineKept: ({ reason, queued }) => [
    `不在线。会话保留着，${queued === '0' ? '没有消息在排队' : `有 ${queued} 条消息在排队`}。`,
    reasonInChinese(reason ?? ''),
  ],
  offlineGone: ({ reason }) => ['不在线，也没有为它保留任何东西。', reasonInChinese(reason ?? '')],
  receivers: ({ count }) => [`有 ${count} 个匹配的订阅。`, ''],
  receiversSome: ({ count, denied }) => [
    `有 ${count} 个匹配的订阅，但其中 ${denied} 个被权限规则拒绝接收该主题。`,
    '',
  ],
  receiversDenied: ({ count }) => [
    `有 ${count} 个匹配的订阅，但权限规则不允许其中任何一个客户端接收该主题。`,
    '',
  ],
  receiversAway: ({ count }) => [
    `有 ${count} 个匹配的订阅，但这些客户端都不在线；QoS 1 和 2 的消息会为部分客户端保留。`,
    '',
  ],
  receiversGone: ({ count }) => [
    `有 ${count} 个匹配的订阅，但这些客户端都不在线，也不会为它们保留消息。`,
    '',
  ],
  noReceivers: () => ['没有人。', ''],
  noReceiversNear: ({ filter, difference = '', clientId }) => [
    `没有人，但有一个订阅几乎匹配：${differences[difference] ?? difference}。`,
    `${clientId} 的 "${filter}"`,
  ],
  matches: ({ filter }) => ['订阅了。', `"${filter}"`],
  matchesShare: ({ filter, group }) => [
    `订阅了，在共享组 ${group} 中：每条消息只发给其中一个成员。`,
    `"${filter}"`,
  ],
  subscribeRefused: ({ filter, reason = '' }) => [
    `没有。它请求过订阅，但被服务器拒绝：${reasonInChinese(reason)}。`,
    `"${filter}"`,
  ],
  nearMiss: ({ filter, difference = '' }) => [
    `没有订阅这个主题，但有一个订阅几乎匹配：${differences[difference] ?? difference}。`,
    `"${filter}"`,
  ],
  noMatch: ({ count }) => [
    count === '1'
      ? '没有订阅这个主题：它唯一的订阅不匹配。'
      : `没有订阅这个主题：它的 ${count} 个订阅都不匹配。`,
    '',
  ],
  noSubscriptions: () => ['没有，它没有任何订阅。', ''],
  someSubscriptions: ({ count }) => [`订阅了，共 ${count} 个订阅。`, ''],
  mayReceive: ({ because }) => ['允许。', reasonInChinese(because ?? '')],
  mayNotReceive: ({ because }) => ['不允许，被权限规则拒绝。', reasonInChinese(because ?? '')],
  rightsUnknown: ({ because }) => ['还不知道。', reasonInChinese(because ?? '')],
  mayPublish: ({ because }) => ['允许。', reasonInChinese(because ?? '')],
  mayNotPublish: ({ because }) => ['不允许，被权限规则拒绝。', reasonInChinese(because ?? '')],
  qos: ({ qos }) => [`最高 QoS ${qos}。`, ''],
  qosAsAsked: ({ qos }) => [`最高 QoS ${qos}，与它请求的一致。`, ''],
  qosLowered: ({ qos, asked }) => [
    `最高 QoS ${qos}，而它请求的是 QoS ${asked}：它所连的监听器不允许更高。`,
    `max_qos ${qos}`,
  ],
  qosNotKept: () => ['QoS 0。它不在线时，QoS 0 的消息不会为它排队。', ''],
  retainAsPublished: () => ['发布时带的都带：它要求保持发布时的标志（Retain As Published）。', ''],
  retainWhenKept: () => [
    '只有订阅之前就已保留的消息带：它没有要求保持发布时的标志（Retain As Published）。',
    '',
  ],
  noLocal: () => ['不能：它订阅时要求不接收自己发布的消息（No Local）。', ''],
  queueEmpty: () => ['没有。没有消息在排队，最近一小时也没有丢弃。', ''],
  waiting: ({ queued, inflight }) => [
    `暂时有积压：${queued} 条在排队，${inflight} 条已发送、未确认。`,
    '',
  ],
  windowFull: ({ queued, inflight, window }) => [
    `有。它不发送确认：${inflight} 条在途，已达上限，另有 ${queued} 条在排队。`,
    `窗口 ${window}：它的接收最大值（Receive Maximum）或 max_inflight_messages`,
  ],
  slowToAck: ({ queued, inflight, window }) => [
    `有。它确认得比消息到达得慢：${inflight} 条在途，已达上限，另有 ${queued} 条在排队。`,
    `窗口 ${window}：它的接收最大值（Receive Maximum）或 max_inflight_messages`,
  ],
  dropped: ({ count, reason = '', queued }) => [
    `有。丢弃了 ${count} 条消息，${count === '1' ? '' : '最近一次的'}原因：${drops[reason] ?? reason}。`,
    `${queued} 条在排队`,
  ],
  expiresNext: ({ seconds }) => [`会，最早的一条将在 ${span(seconds)}后过期。`, ''],
  expiredNext: () => ['至少有一条已经过期：它会被丢弃，不会发送。', ''],
  neverAcked: () => ['自会话载入内存以来从未确认过。', ''],
  acked: ({ seconds }) => [`${span(seconds)}前。`, ''],
  willPublished: ({ topic }) => ['有过，已经发布。', `"${topic}"`],
  willDenied: ({ topic }) => ['有过，但发布时被权限规则拒绝。', `"${topic}"`],
  willSet: ({ topic }) => ['有，连接异常中断时发布。', `"${topic}"`],
  willWaits: ({ topic, seconds }) => [
    `有，如果它不重新连接，将在 ${span(seconds)}后发布。`,
    `"${topic}"`,
  ],
  retained: () => ['有：新的订阅者会立即收到。', ''],
  retainedNotShared: ({ group }) => [`有，但不会发给共享组 ${group}：共享订阅收不到保留消息。`, ''],
  retainedNotAsked: () => [
    '有，但不会发给这个客户端：它订阅时要求不接收保留消息（Retain Handling 2）。',
    '',
  ],
  retainedOnce: () => ['有，但只在新建订阅时发送：它订阅时的 Retain Handling 是 1。', ''],
  notRetained: () => ['没有：新的订阅者要等到下一条消息。', ''],
}
