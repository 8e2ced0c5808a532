/** The tables of docs/cluster-model.md, in two languages. */
import type { Constants, MessageCost } from './model.ts'
import type { Checked } from './predict.ts'
import type { Limits, Size } from './size.ts'

type Language = 'en' | 'zh'
type Words = Readonly<Record<Language, string>>

const FROM = '<!-- written by npm run cluster:model -->'
const TO = '<!-- end of what is written -->'
const MIB = 2 ** 20
const GIB = 2 ** 30
const MILLION = 1e6

const PROFILE_WORDS: Readonly<Record<string, Words>> = {
  tags: { en: 'price tags', zh: '价签' },
  sensors: { en: 'sensors', zh: '传感器' },
  chat: { en: 'chat', zh: '聊天' },
}

const HEADS = {
  needs: {
    en: '| load | million clients | cells | nodes of a cell | nats-servers of a cell | nodes in all | a node busy | the busiest | a server busy | memory of a node, GiB | of a server, GiB | queue streams | SUBACK median, ms | 99 % |',
    zh: '| 负载 | 客户端（百万） | 单元 | 每单元节点 | 每单元 nats-server | 节点总数 | 节点占用 | 最忙的节点 | 服务器占用 | 节点内存 GiB | nats-server 内存 GiB | 队列流 | SUBACK 中位数 ms | 99 % |',
  },
  checked: {
    en: '| what | predicted | measured | error | when |',
    zh: '| 内容（英文） | 预测 | 实测 | 误差 | 时间 |',
  },
  constants: {
    en: '| CPU µs of | client’s node | receiver’s or each other node | all nats-servers | and for each node |',
    zh: '| CPU µs | 客户端所在节点 | 接收者或其他每个节点 | 全部 nats-server | 每个节点另加 |',
  },
} as const satisfies Record<string, Words>

const ROWS = {
  entry: { en: 'a QoS 1 message: each queue entry', zh: 'QoS 1 消息：每个队列条目' },
  group: { en: 'the group that it is stored with', zh: '与它一起存储的一组' },
  within: { en: '(µs within which what comes is one group)', zh: '（这段时间内到达的算一组，µs）' },
  resume: { en: 'CONNECT with five messages, which are taken', zh: 'CONNECT 并取走五条消息' },
  connect: { en: 'CONNECT', zh: 'CONNECT' },
  subscribe: { en: 'SUBSCRIBE', zh: 'SUBSCRIBE' },
  leave: { en: 'the end of a connection', zh: '连接结束' },
  ping: { en: 'PINGREQ', zh: 'PINGREQ' },
  idle: { en: 'a second of doing nothing', zh: '空闲一秒' },
  durable: { en: 'durable session', zh: '持久会话' },
  clean: { en: 'clean session', zh: '临时会话' },
} as const satisfies Record<string, Words>

const percent = (share: number): string => `${Math.round(share * 100)} %`
const ms = (us: number): string => (us / 1000).toFixed(1)
const gib = (bytes: number): string => (bytes / GIB).toFixed(1)
const rule = (head: string, texts = 1): string =>
  `|${head
    .split('|')
    .slice(1, -1)
    .map((_, index) => (index < texts ? '---' : '--:'))
    .join('|')}|`

const mib = (bytes: number): number => Math.round(bytes / MIB)
const lineOf = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

export interface Need {
  readonly profile: string
  readonly size: Size
}

function needsTable(needs: readonly Need[], language: Language): string[] {
  const head = HEADS.needs[language]
  const rows = needs.map(({ profile, size }) =>
    lineOf([
      PROFILE_WORDS[profile][language],
      size.clients / MILLION,
      size.cells,
      size.nodes,
      size.servers,
      size.cells * size.nodes,
      percent(size.nodeShare),
      percent(size.busiestShare),
      percent(size.serverShare),
      gib(size.nodeBytes),
      gib(size.serverBytes),
      size.partitions,
      ms(size.suback.p50Us),
      ms(size.suback.p99Us),
    ]),
  )
  return [head, rule(head), ...rows]
}

function checkedTable(checked: readonly Checked[], language: Language): string[] {
  const head = HEADS.checked[language]
  const rows = checked.map(({ what, predicted, measured, when }) => {
    const error = Math.round((predicted / measured - 1) * 100)
    const sign = error > 0 ? '+' : ''
    return lineOf([
      what,
      Math.round(predicted),
      Math.round(measured),
      `${sign}${error} %`,
      when.slice(0, 10),
    ])
  })
  return [head, rule(head), ...rows]
}

function constantsTable(constants: Constants, language: Language): string[] {
  const { message, idle, pingHome } = constants
  const head = HEADS.constants[language]
  const say = (key: keyof typeof ROWS): string => ROWS[key][language]
  const ofMessage = (label: 'entry' | 'group' | 'within', part: keyof MessageCost): string =>
    lineOf([say(label), message.home[part], message.receiver[part], message.nats[part], ''])
  const ofLife = (kind: 'durable' | 'clean'): string[] =>
    Object.entries(constants[kind]).map(([operation, { home, other, nats, natsEachNode }]) =>
      lineOf([
        `${say(operation as keyof typeof ROWS)}, ${say(kind)}`,
        home,
        other,
        nats,
        natsEachNode,
      ]),
    )
  return [
    head,
    rule(head),
    ofMessage('entry', 'each'),
    ofMessage('group', 'group'),
    ofMessage('within', 'groupUs'),
    ...ofLife('durable'),
    ...ofLife('clean'),
    lineOf([say('ping'), pingHome, '', '', '']),
    lineOf([say('idle'), idle.node, '', idle.nats, '']),
  ]
}

/** Sentences with figures in them. */
function notes(constants: Constants, limits: Limits, language: Language): string[] {
  const { bytes, hopUs } = constants
  const { shareMax, serverCores, connectionsMax, nodesMax, networkUs, syncUs } = limits
  const waiting = Math.round(constants.resumeEachWaiting * 1000)
  const size = (of: number): string => (of / 1024).toFixed(1)
  return {
    en: [
      `Memory: a session ${size(bytes.sessionAtNode)} KiB at every node and ${size(bytes.sessionAtServer)} KiB at each server that has a replica, with five messages; a connection ${size(bytes.connection)} KiB at its node; ${mib(bytes.node)} MiB a broker and ${mib(bytes.server)} MiB a server with nothing in it.`,
      `A resume costs the servers ${waiting} ms of CPU more for every million messages that wait in all queues together.`,
      `A hop between two processes takes ${hopUs} µs.`,
      `Set, not measured: at most ${percent(shareMax)} busy with one node and one server gone; ${serverCores} cores a server and one a broker; ${connectionsMax} connections and ${gib(limits.nodeBytesMax)} GiB a broker, ${gib(limits.serverBytesMax)} GiB a server; ${nodesMax} nodes a cluster; ${networkUs} µs one way between machines; ${syncUs} µs until a disk has a group; ${limits.recordsMax} session records a second in all, ${limits.entriesMax} queue entries a second a stream.`,
    ],
    zh: [
      `内存：一个会话（带五条消息）在每个节点占 ${size(bytes.sessionAtNode)} KiB，在每个有副本的 nats-server 占 ${size(bytes.sessionAtServer)} KiB；一个连接在其节点占 ${size(bytes.connection)} KiB；空的服务器进程占 ${mib(bytes.node)} MiB，空的 nats-server 占 ${mib(bytes.server)} MiB。`,
      `全部队列中每有一百万条消息在等待，一次恢复会话就多用 nats-server ${waiting} ms 的 CPU。`,
      `两个进程之间一跳用时 ${hopUs} µs。`,
      `设定而非实测：缺一个节点和一个 nats-server 时占用不超过 ${percent(shareMax)}；nats-server 各 ${serverCores} 核，服务器进程各 1 核；每个服务器进程 ${connectionsMax} 个连接、${gib(limits.nodeBytesMax)} GiB，每个 nats-server ${gib(limits.serverBytesMax)} GiB；每个集群 ${nodesMax} 个节点；机器之间单程 ${networkUs} µs；磁盘写完一组 ${syncUs} µs；全部会话记录每秒 ${limits.recordsMax} 条，每个队列流每秒 ${limits.entriesMax} 个条目。`,
    ],
  }[language]
}

export interface Results {
  readonly needs: readonly Need[]
  readonly checked: readonly Checked[]
  readonly constants: Constants
  readonly limits: Limits
}

const TITLES = {
  needs: { en: '### What is needed', zh: '### 需要什么' },
  checked: { en: '### Predicted and measured', zh: '### 预测与实测' },
  constants: { en: '### Constants', zh: '### 常数' },
} as const satisfies Record<string, Words>

export function tables({ needs, checked, constants, limits }: Results, language: Language): string {
  return [
    TITLES.needs[language],
    '',
    ...needsTable(needs, language),
    '',
    TITLES.checked[language],
    '',
    ...checkedTable(checked, language),
    '',
    TITLES.constants[language],
    '',
    ...constantsTable(constants, language),
    '',
    ...notes(constants, limits, language).flatMap((line) => [line, '']),
  ].join('\n')
}

/** The page with new tables in it. Throws when it has no place for them. */
export function withTables(page: string, text: string): string {
  const [from, to] = [page.indexOf(FROM), page.indexOf(TO)]
  if (from === -1 || to < from) throw new Error(`no ${FROM} … ${TO}`)
  return `${page.slice(0, from + FROM.length)}\n\n${text}\n${page.slice(to)}`
}

export const PAGES: Readonly<Record<Language, string>> = {
  en: 'docs/cluster-model.md',
  zh: 'docs/zh/cluster-model.md',
}
