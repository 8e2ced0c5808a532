/** What goes wrong in the client, in Chinese, by the words of those who notice it; what is not here stays as it came. */
import { reasonNames } from './reasons.ts'

/** Words, and what stands for them; `$1` is what the pattern holds. */
export type Known = readonly [pattern: RegExp, words: string]

/** What stands beside the first pattern that fits; `message` where none does. */
export function byPattern(known: readonly Known[], message: string): string {
  const found = known.find(([pattern]) => pattern.test(message))
  return found === undefined ? message : message.replace(found[0], found[1])
}

/** Of `src/topics/names.ts`, behind the name of a field or alone. */
// prettier-ignore
export const TOPIC_PROBLEMS: readonly Known[] = [
  [/^(?:\w+: )?topic name is empty$/, '主题为空'],
  [/^(?:\w+: )?topic name contains a wildcard$/, '主题不能含通配符'],
  [/^(?:\w+: )?topic name has more than (\d+) levels$/, '主题超过 $1 层'],
  [/^(?:\w+: )?topic filter is empty$/, '过滤器为空'],
  [/^(?:\w+: )?topic filter has more than (\d+) levels$/, '过滤器超过 $1 层'],
  [/^(?:\w+: )?a shared filter matches no topic$/, '共享订阅的过滤器不匹配任何主题'],
  [/^(?:\w+: )?'#' is not alone in the last level$/, '# 必须单独占最后一层'],
  [/^(?:\w+: )?'\+' is not alone in its level$/, '+ 必须单独占一层'],
  [/^(?:\w+: )?shared subscription has no group$/, '共享订阅没有组名'],
  [/^(?:\w+: )?group of a shared subscription is empty$/, '共享订阅的组名为空'],
  [/^(?:\w+: )?group of a shared subscription contains a wildcard$/, '共享订阅的组名不能含通配符'],
  [/^(?:\w+: )?shared subscription has no topic filter$/, '共享订阅没有主题过滤器'],
  [/^(?:\w+: )?shared subscription inside a shared subscription$/, '共享订阅不能嵌套'],
]

// prettier-ignore
const KNOWN: readonly Known[] = [
  ...TOPIC_PROBLEMS,
  // drafts and rows of a CSV
  [/^message expiry: a whole number from (\d+) to (\d+) is needed, not "(.*)"$/, '消息过期须为 $1 到 $2 的整数，而不是“$3”'],
  [/^topic alias: a whole number from (\d+) to (\d+) is needed, not "(.*)"$/, '主题别名须为 $1 到 $2 的整数，而不是“$3”'],
  [/^(\w+): a whole number from (\d+) to (\d+) is needed, not "(.*)"$/, '$1 须为 $2 到 $3 的整数，而不是“$4”'],
  [/^correlation data: bad hex after 0x$/, '对比数据：0x 之后不是有效的十六进制'],
  [/^will: payload is not (.*)$/, '遗嘱的载荷不是 $1'],
  [/^payload is not (.*)$/, '载荷不是 $1'],
  [/^(\d+) cell\w*, but (\d+) column\w*$/, '有 $1 个单元格，而列数为 $2'],
  [/^there is no column for (.*)$/, '没有与 $1 对应的列'],
  // payloads
  [/^no schema is chosen for this subscription$/, '该订阅没有选择模式（Schema）'],
  [/^the schema has no message$/, '模式中没有消息类型'],
  [/^cut off within a number$/, '数据在一个数字中间截断'],
  [/^a number of more than 10 bytes$/, '有数字超过 10 个字节'],
  [/^more than (\d+) levels$/, '嵌套超过 $1 层'],
  [/^a field reaches beyond its message$/, '有字段超出其消息的范围'],
  [/^a field reaches beyond the payload$/, '有字段超出载荷的范围'],
  [/^wire type (\d+)$/, '未知的线路类型 $1'],
  [/^type (.*)$/, '未知的类型 $1'],
  [/^no JSON at character (\d+)$/, '第 $1 个字符处不是 JSON'],
  [/^(\d+) byte\w* too many for the schema$/, '比模式多出 $1 个字节'],
  [/^a union has no such branch$/, '联合类型没有这个分支'],
  [/^schema: unknown type '(.*)'$/, '模式中的类型“$1”未知'],
  [/^schema: (.*)$/s, '模式（Schema）有误：$1'],
  [/^a list longer than the payload$/, '列表比载荷还长'],
  [/^the payload is too short for the schema$/, '载荷比模式要求的短'],
  [/^(\w+): more than (\d+) MiB$/, '$1 解压后超过 $2 MiB'],
  // files
  [/^no JSON$/, '不是 JSON'],
  [/^cut off$/, '不完整，文件在此中断'],
  [/^empty, as for a payload that -F %J cannot write$/, '空行：-F %J 无法写出该载荷'],
  [/^no object$/, '不是 JSON 对象'],
  [/^topic is missing$/, '缺少主题'],
  [/^qos is (.*)$/, 'QoS 为 $1'],
  [/^time is not a time$/, '时间无效'],
  [/^(\S+) is not as MQTT has it$/, '$1 不符合 MQTT 规定'],
  [/^the payload is no base64$/, '载荷不是 base64'],
  [/^no connections in it$/, '文件中没有连接'],
  // connections
  [/^not connected$|^the client is not connected$/, '未连接'],
  [/^the connection was lost$/, '连接中断'],
  [/^(?:connection lost|cannot connect): the server closed the connection$/, '服务器关闭了连接'],
  [/^connection lost: no answer from the server for (\d+) ms$/, '服务器在 $1 毫秒内没有应答'],
  [/^connection lost: (.*)$/, '连接中断：$1'],
  [/^the server closed the connection each time for (.*)$/, '每次发送都被服务器关闭连接：$1'],
  [/^closed$/, '连接已关闭'],
  [/^no CONNACK within (\d+) ms$/, '$1 毫秒内没有收到 CONNACK'],
  [/^cannot connect: (.*)$/, '无法连接：$1'],
  [/^closed \((\d+)\)$/, '连接已关闭（$1）'],
  [/^the server has no shared subscriptions$/, '服务器不支持共享订阅'],
  [/^the server has no wildcard subscriptions$/, '服务器不支持通配符订阅'],
  [/^all 65,535 packet identifiers are in use$/, '65,535 个报文标识符都在使用中'],
  [/^([\d,]+) messages wait to be sent or acknowledged: .*$/, '有 $1 条消息等待发送或确认，请稍后重试'],
  [/^(SCRAM-\S+): the server does not know the password$/, '$1：服务器不知道密码'],
]

const REASONS = new Map(reasonNames())

/** A reason code's name, with the server's own words behind it or without, or a problem of ours. */
export function problemInChinese(problem: string): string {
  const [, line, what = ''] = /^line (\d+): (.*)$/s.exec(problem) ?? []
  if (line !== undefined) return `第 ${line} 行：${problemInChinese(what)}`
  const [, name = '', rest = ''] =
    /^([^:]*)((?:: .*)?)$/s.exec(problem.replace(/^Error: /, '')) ?? []
  const reason = REASONS.get(name)
  return reason === undefined ? byPattern(KNOWN, name + rest) : reason + rest.replace(/^: /, '：')
}
