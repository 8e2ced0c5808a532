/** The words of "why?" in Chinese, by the names that the API gives. */
import { reasonInChinese } from './reasons-zh.ts'
import type { Check, Finding, Values } from '../../../src/admin/why-words.ts'

export const questions: Readonly<Record<Check, string>> = {
  refused: '是否被允许连接？',
  banned: '被封禁了吗？',
  known: '服务器认识这个客户端吗？',
  takeover: '客户端 ID 是否被重复使用？',
  connected: '现在在线吗？',
  receivers: '谁订阅了这个主题？',
  subscription: '它的哪个订阅匹配？',
  rights: '允许它接收这个主题吗？',
  publishing: '允许它发布到这个主题吗？',
  qos: '以什么 QoS 接收？',
  retainFlag: '它能看到哪些是保留消息吗？',
  ownMessages: '它能收到自己发布的消息吗？',
  queue: '有消息在排队或被丢弃吗？',
  expiry: '等待它的消息会过期吗？',
  acknowledged: '它最近一次确认消息是什么时候？',
  will: '有遗嘱吗？',
  retained: '有保留消息吗？',
}

const differences: Readonly<Record<string, string>> = {
  case: '大小写不同',
  space: '多了或少了空格',
  slash: '首尾多了或少了斜杠',
  dollar: '以通配符开头的过滤器不匹配以 $ 开头的主题',
  letter: '有一个字符不同',
  level: '多了或少了一层',
}

const drops: Readonly<Record<string, string>> = {
  queueFull: '队列已满',
  slowClient: '客户端接收太慢',
  slowThread: '服务它的工作线程积压太多',
  overClientMaximum: '消息超过客户端允许的大小',
  expired: '消息在排队期间过期',
  notAllowed: '失去了读取该主题的权限',
  overSizeLimit: '消息超过服务器允许的大小',
  unreadable: '无法从磁盘读取消息',
  memory: '服务器内存不足',
}

export const answers: Readonly<
  Record<Finding, (values: Values) => readonly [answer: string, evidence: string]>
> = {
  letIn: () => ['是，没有被拒绝过。', ''],
  refusedNow: ({ reason = '', remote, user, count }) => [
    `否，服务器拒绝了它：${reasonInChinese(reason)}。`,
    `来自 ${remote}，用户 ${user || '匿名'}；最近 ${count} 次`,
  ],
  banned: ({ until, reason, by, id, target }) => [
    `是，${until ? `直到 ${until.replace('until ', '')}` : '永久'}${reason ? `：${reason}` : ''}。`,
    `${target}，由 ${by} 封禁；解除：mozzie ban lift ${id}`,
  ],
  refusedBefore: ({ reason = '', remote, count }) => [
    `是，但之前被拒绝过：${reasonInChinese(reason)}。`,
    `来自 ${remote}；最近 ${count} 次`,
  ],
  seen: () => ['认识。', ''],
  neverSeen: () => ['不认识。在服务器的记录范围内它从未连接过。', '既没有会话，也没有连接尝试'],
  nearId: ({ other }) => ['不认识，但有一个几乎相同的客户端 ID。', `"${other}"`],
  sessionExpired: () => ['不再认识：会话已过期。', ''],
  gone: ({ reason }) => ['连接过，但没有留下会话。', reasonInChinese(reason ?? '')],
  oneDevice: () => ['没有。', ''],
  twoDevices: ({ count, addresses }) => [
    `是。两台设备互相抢占连接：一小时内 ${count} 次接管。`,
    `它们来自 ${addresses}`,
  ],
  takenOver: ({ addresses }) => ['一个新连接取代了旧连接。', `来自 ${addresses}`],
  online: ({ remote }) => ['在线。', `来自 ${remote}`],
  offlineKept: ({ reason, queued }) => [
    `不在线。会话保留着，有 ${queued} 条消息在等它。`,
    reasonInChinese(reason ?? ''),
  ],
  offlineGone: ({ reason }) => ['不在线，也没有为它保留任何内容。', reasonInChinese(reason ?? '')],
  receivers: ({ count }) => [`${count} 个订阅匹配。`, ''],
  noReceivers: () => ['没有人。', ''],
  noReceiversNear: ({ filter, difference = '', clientId }) => [
    `没有人，但有一个订阅几乎匹配：${differences[difference] ?? difference}。`,
    `${clientId} 的 "${filter}"`,
  ],
  matches: ({ filter, group }) => [
    group ? `有一个，由共享组 ${group} 分担：每条消息只给其中一个成员。` : '有一个匹配。',
    `"${filter}"`,
  ],
  nearMiss: ({ filter, difference = '' }) => [
    `没有，但有一个几乎匹配：${differences[difference] ?? difference}。`,
    `"${filter}"`,
  ],
  noMatch: ({ count }) => [`它的 ${count} 个订阅都不匹配。`, ''],
  noSubscriptions: () => ['它没有任何订阅。', ''],
  someSubscriptions: ({ count }) => [`它有 ${count} 个订阅。`, ''],
  mayReceive: ({ because }) => ['允许。', reasonInChinese(because ?? '')],
  mayNotReceive: ({ because }) => ['不允许，被权限规则拒绝。', reasonInChinese(because ?? '')],
  mayPublish: ({ because }) => ['允许。', reasonInChinese(because ?? '')],
  mayNotPublish: ({ because }) => ['不允许，被权限规则拒绝。', reasonInChinese(because ?? '')],
  qos: ({ qos }) => [`最高 ${qos}。`, ''],
  qosAsAsked: ({ qos }) => [`最高 ${qos}，与它请求的一致。`, ''],
  qosLowered: ({ qos }) => [`最高 ${qos}：它所连的监听器不允许更高。`, `max_qos ${qos}`],
  qosNotKept: () => ['0，而它不在线：QoS 0 的消息不会为它保留。', ''],
  retainAsPublished: () => ['都能：它要求保持发布时的 retain 标志（Retain As Published）。', ''],
  retainWhenKept: () => [
    '只有订阅之前就已保留的：它没有要求保持发布时的 retain 标志（Retain As Published）。',
    '',
  ],
  noLocal: () => ['不能：它订阅时要求不接收自己发布的消息（No Local）。', ''],
  queueEmpty: () => ['没有排队，也没有丢弃。', ''],
  waiting: ({ queued, inflight }) => [`${queued} 条在排队；${inflight} 条已发送、未确认。`, ''],
  windowFull: ({ queued, inflight, window }) => [
    `它不发送确认：${inflight} 条在途，已达上限，另有 ${queued} 条在排队。`,
    `接收最大值 ${window}`,
  ],
  dropped: ({ count, reason = '', queued }) => [
    `丢弃了 ${count} 条消息：${drops[reason] ?? reason}。`,
    `${queued} 条在排队`,
  ],
  expiresNext: ({ seconds }) => [`会，第一条将在 ${seconds} 秒后过期。`, ''],
  neverAcked: () => ['自会话载入内存以来从未确认过。', ''],
  acked: () => ['它会确认收到的消息。', ''],
  willPublished: ({ topic }) => ['有过，已经发布。', `"${topic}"`],
  willDenied: ({ topic }) => ['有过，但被权限规则拒绝。', `"${topic}"`],
  willSet: ({ topic }) => ['有，连接中断时发布。', `"${topic}"`],
  willWaits: ({ topic, seconds }) => [`有，将在 ${seconds} 秒后发布。`, `"${topic}"`],
  retained: () => ['有：新的订阅者会立即收到。', ''],
  notRetained: () => ['没有：新的订阅者要等下一条消息。', ''],
}
