/** What the broker says of ends, refusals and rights, in Chinese; what is not here stays as it came: a client's own words, a rule of a file. */
import { reasonNames } from '../i18n/reasons.ts'
import { byPattern, type Known } from '../i18n/problems-zh.ts'
import { zhUsers } from './words-zh-users.ts'

type DefaultType = keyof typeof zhUsers.defaultTypes

/** What is no reason code's name: mosquitto's words in `src/broker/state/words.ts`, those of the links, and the system's. */
const ENDS = new Map(
  Object.entries({
    'connection closed by client': '客户端关闭了连接',
    'exceeded timeout': '保活超时',
    'session expiry': '会话过期',
    'not authorised': '未授权',
    'oversize packet': '报文过大',
    'administrative action': '被管理员断开',
    'used disallowed feature (retain)': '使用了不允许的保留消息',
    'used disallowed feature (QoS)': '使用了不允许的 QoS',
    'bad username or password': '用户名或密码错误',
    'banned for good': '已被永久封禁',
    'the token has expired': '令牌已过期',
    'another user': '换成了另一个用户',
    'the store is open: connect again': '存储已恢复，请重新连接',
    'the broker has no space to store it': '服务器没有存储空间',
    'the broker is short of memory': '服务器内存不足',
    'max_connections exceeded': '超出 max_connections（最大连接数）',
    'max_connection_rate exceeded': '超出 max_connection_rate（连接速率上限）',
    'max_connections_per_address exceeded':
      '超出 max_connections_per_address（每个地址的最大连接数）',
    'connection reset by peer': '连接被对端重置',
    'broken pipe': '连接已断开',
    'connection timed out': '连接超时',
  }),
)

const CODES = new Map(reasonNames().map(([name, words]) => [name.toLowerCase(), words]))

/** What decides over a right, in the words of `src/auth/security.ts`. */
const DECIDES: readonly Known[] = [
  [/^this listener is not known$/, '未知的监听器'],
  [/^\$SYS is written by the broker alone$/, '$$SYS 只能由服务器写入'],
  [
    /^patterns do not apply to names with \+ or #, and no other rule allows it$/,
    '名称含 + 或 # 时 pattern 规则不适用，也没有其他规则允许',
  ],
  [/^no rule of (.*) allows it$/, '$1 中没有规则允许'],
  [/^no role allows it$/, '没有角色允许'],
  [/^there is no user "(.*)"$/, '用户“$1”不存在'],
  [/^the rules do not restrict a bridge of this broker$/, '权限规则不限制本服务器自己的桥接'],
  [/^there is no ACL file$/, '没有 ACL 文件'],
  [/^an ACL file does not restrict subscriptions$/, 'ACL 文件不限制订阅'],
  [/^(.*): who has no name has no rights$/, '$1：没有用户名就没有权限'],
  [/^(.*): nobody was asked yet$/, '$1：尚未查询'],
  [
    /^its client ID does not begin with "(.*)" \(clientid_prefixes\)$/,
    '客户端 ID 不以“$1”开头（clientid_prefixes）',
  ],
  [/^node (.*) did not answer$/, '节点 $1 没有回答'],
  [/^banned until (.*)$/, '封禁至 $1'],
  [/^protocol error: (.*)$/, '协议错误：$1'],
  [/^connect ECONNREFUSED (\S+)$/, '$1 拒绝连接：没有服务在监听'],
  [/^connect ETIMEDOUT (\S+)$/, '连接 $1 超时'],
  [/^connect E(?:HOST|NET)UNREACH (\S+).*$/, '无法到达 $1'],
  [/^getaddrinfo ENOTFOUND (\S+)$/, '找不到主机 $1'],
  [/^getaddrinfo EAI_AGAIN (\S+)$/, '暂时无法解析主机名 $1'],
]

const ROLE_RULE = /^role "(.*)"( of group "(.*)")?: (\w+) (.*) (allow|deny), priority (-?\d+)$/s
const DEFAULT_RULE = /^default access (\w+) allow$/

/** A rule of a role, in the words of the page of roles; null: it is none. */
function roleRule(reason: string): string | null {
  const [, access] = DEFAULT_RULE.exec(reason) ?? []
  if (access !== undefined)
    return `没有规则匹配，默认允许${zhUsers.defaultTypes[access as DefaultType] ?? access}`
  const [, role, ofGroup, group, type = '', topic, verb, priority] = ROLE_RULE.exec(reason) ?? []
  if (role === undefined) return null
  const through = ofGroup === undefined ? '' : `（来自组“${group}”）`
  const allows = verb === 'allow' ? zhUsers.allows : zhUsers.denies
  const kind = zhUsers.aclTypes[type as keyof typeof zhUsers.aclTypes] ?? type
  return `角色“${role}”${through}：${allows} ${kind} ${topic}，优先级 ${priority}`
}

/** @param reason Of an event, of a refusal, or why something is allowed or not. */
export function reasonInChinese(reason: string): string {
  const lower = reason.toLowerCase()
  return (
    ENDS.get(reason) ??
    ENDS.get(lower) ??
    CODES.get(lower) ??
    roleRule(reason) ??
    byPattern(DECIDES, reason)
  )
}
