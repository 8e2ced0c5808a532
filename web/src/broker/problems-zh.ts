/** What the API answers instead, in Chinese; what is not here stays as it came. */

import { byPattern, TOPIC_PROBLEMS, type Known } from '../i18n/problems-zh.ts'

/** Of dynamic security: mosquitto's own sentences. */
const USER_PROBLEMS: readonly Known[] = [
  [/^Client not found$/, '用户不存在'],
  [/^Client already exists$/, '用户已存在'],
  [/^Client is already in this group$/, '用户已属于此组'],
  [/^(.+) is already in this role$/, '已属于此角色'],
  [/^Group not found$/, '组不存在'],
  [/^Group already exists$/, '组已存在'],
  [/^Role not found$/, '角色不存在'],
  [/^Role already exists$/, '角色已存在'],
  [/^ACL not found$/, '规则不存在'],
  [/^ACL with this topic already exists$/, '已有此主题的规则'],
  [/^Unknown acltype$/, '规则类型未知'],
  [/^Invalid ACL topic$/, '规则的主题无效'],
  [/^Invalid\/missing topic$/, '主题为空或无效'],
  [/^Invalid\/missing password$/, '密码为空或无效'],
  [/^Empty password is not allowed$/, '密码不能为空'],
  [/^Deleting the anonymous group is forbidden$/, '不能删除匿名用户组'],
  [/^(.+) not valid UTF-8$/, '$1 不是有效的 UTF-8'],
  [/^Invalid allowwildcardsubs$/, 'allowwildcardsubs 无效'],
  [/^Missing\/invalid acls array$/, 'acls 数组为空或无效'],
  [/^Empty (\w+)$/, '$1 不能为空'],
  [/^Invalid\/missing (\w+)$/, '$1 为空或无效'],
]

const KNOWN: readonly Known[] = [
  [/^Wrong user name or password\.$/, '用户名或密码错误。'],
  [/^Log in first\.$/, '请先登录。'],
  [/^The body is not UTF-8\.$/, '请求内容不是有效的 UTF-8。'],
  [/^payload: text holds half of a surrogate pair\.$/, '载荷的文本含有不成对的代理字符。'],
  [
    /^What is asked for is at no other node, and (.+) did not answer\.$/,
    '其他节点上没有要找的内容，而 $1 没有响应。',
  ],
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
  [/^The store did not confirm the message in time\.$/, '存储未及时确认消息。'],
  [/^The broker has no space to store the message\.$/, '服务器没有空间存储消息。'],
  [/^Not authorised$/, '未授权'],
  [/^Name a client or a topic\.$/, '请给出客户端或主题。'],
  [/^Name a client id, a user name or an address\.$/, '请填写客户端 ID、用户名或地址。'],
  [/^"(.*)" is no address and no network\.$/, '“$1”不是 IP 地址或网段。'],
  [/^There is no ban (\d+)\.$/, '编号为 $1 的封禁不存在。'],
  [/^There are (\d+) bans already: lift some\.$/, '已有 $1 条封禁，请先解除一些。'],
  [/^The bans could not be saved: (.*)$/, '无法保存封禁：$1'],
  [/^Say which packets: clientId, topic or address\.$/, '请填写客户端、主题或地址。'],
  [/^There are (\d+) live streams\. Close one of them\.$/, '已有 $1 个实时数据流，请先关闭一个。'],
  [/^Too many searches at a time\. Try again\.$/, '同时进行的搜索过多，请稍后重试。'],
  [
    /^topic: \$SYS, \$CONTROL and \$share are the broker's own\.$/,
    '主题：$$SYS、$$CONTROL 和 $$share 由服务器专用。',
  ],
  [
    /^This host name is not ours: see "http_host" of the listener\.$/,
    '不接受此主机名：见监听器的 "http_host"。',
  ],
  [/^This request was made by a page of another site\.$/, '请求来自其他网站的页面，已拒绝。'],
  [
    /^Only a proxy that logs people in may come here: "http_proxy_login"\.$/,
    '只允许负责登录的代理访问：见 "http_proxy_login"。',
  ],
  [/^The proxy does not say who this is\.$/, '代理没有说明用户身份。'],
  [/^User "(.*)" may not come in\.$/, '用户“$1”不能登录。'],
  [
    /^Without logins the broker serves this machine alone, and this came by a proxy: configure a listener and users\.$/,
    '未设置登录时服务器只向本机提供管理功能，而此请求来自代理：请配置监听器和用户。',
  ],
  [/^The header X-CSRF-Token is missing or wrong\.$/, 'X-CSRF-Token 缺失或错误，请重新加载页面。'],
  [/^The broker made a mistake; its log says which\.$/, '服务器内部错误，详见其日志。'],
  [/^A thread does not answer: it is busy\.$/, '一个线程没有应答：它正忙。'],
  [/^A thread does not answer: (.*)$/, '一个线程没有应答：$1'],
  [
    /^This is a broker of its own: it has nowhere to send its clients\.$/,
    '这是单独的服务器，没有其他节点可以接收其客户端。',
  ],
  [/^The cluster has no node "(.*)"\.$/, '集群中没有节点“$1”。'],
  [
    /^No other node takes clients: those of "(.*)" would be nowhere\.$/,
    '没有其他节点接受客户端：“$1”的客户端将无处可去。',
  ],
  [/^Node "(.*)" does not answer\.$/, '节点“$1”没有应答。'],
  [/^node (\S+): (.*)$/, '节点 $1：$2'],
  [/^Not let in: (.*)\.$/, '不允许登录：$1。'],
  [/^Not let in\.$/, '不允许登录。'],
  ...TOPIC_PROBLEMS,
  ...USER_PROBLEMS,
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
  return byPattern(KNOWN, message)
}
