/** What the API answers instead, in Chinese; what is not here stays as it came. */

type Known = readonly [message: RegExp, words: string]

const KNOWN: readonly Known[] = [
  [/^Wrong user name or password\.$/, '用户名或密码错误。'],
  [/^Log in first\.$/, '请先登录。'],
  [
    /^Nobody can log in here: the listener has no "password_file"\.$/,
    '这里无法登录：监听器没有 "password_file"。',
  ],
  [
    /^Too many failed logins\. Try again in (\d+) seconds\.$/,
    '登录失败次数过多，请在 $1 秒后重试。',
  ],
  [
    /^User "(.*)" is not an administrator: see "http_admin_user" of the listener\.$/,
    '用户“$1”不是管理员：见监听器的 "http_admin_user"。',
  ],
  [/^Not authorised$/, '未授权'],
  [/^Name a client or a topic\.$/, '请给出客户端或主题。'],
  [/^There is no session of a client "(.*)"\.$/, '没有客户端“$1”的会话。'],
  [/^Nothing is retained for "(.*)"\.$/, '“$1”没有保留消息。'],
  [/^There is no such trace any more\.$/, '这个报文跟踪已不存在。'],
  [/^There are (\d+) traces\. Remove one of them first\.$/, '已有 $1 个报文跟踪，请先删除一个。'],
  [
    /^There are (\d+) counted filters\. Remove one of them first\.$/,
    '已在统计 $1 个过滤器，请先去掉一个。',
  ],
  [/^Pages end at row (\d+): narrow the search down\.$/, '最多显示到第 $1 行：请缩小搜索范围。'],
  [/^The access rules do not let you publish to "(.*)"\.$/, '权限规则不允许您向“$1”发布消息。'],
  [
    /^This ban would keep you out as well: name it more closely\.$/,
    '这条封禁会把您自己也挡在外面：请写得更具体。',
  ],
]

export function problemInChinese(message: string): string {
  const found = KNOWN.find(([pattern]) => pattern.test(message))
  return found === undefined ? message : message.replace(found[0], found[1])
}
