/** Reason codes in words, for people rather than for the standard. */
import { reasonText } from '../../../src/codec/reason-codes.ts'
import type { Language } from '../model/settings.ts'

const ZH: Record<number, string> = {
  0x00: '成功',
  0x01: '已授予 QoS 1',
  0x02: '已授予 QoS 2',
  0x04: '断开并发布遗嘱',
  0x10: '没有匹配的订阅者',
  0x11: '订阅不存在',
  0x18: '继续认证',
  0x19: '重新认证',
  0x80: '未指明的错误',
  0x81: '报文格式错误',
  0x82: '协议错误',
  0x83: '服务器实现错误',
  0x84: '不支持的协议版本',
  0x85: '客户端 ID 无效',
  0x86: '用户名或密码错误',
  0x87: '未授权',
  0x88: '服务器不可用',
  0x89: '服务器忙',
  0x8a: '已被封禁',
  0x8b: '服务器正在关闭',
  0x8c: '认证方法错误',
  0x8d: '保活超时',
  0x8e: '会话被接管',
  0x8f: '主题过滤器无效',
  0x90: '主题名无效',
  0x91: '报文标识符已被占用',
  0x92: '报文标识符不存在',
  0x93: '超出接收最大值',
  0x94: '主题别名无效',
  0x95: '报文过大',
  0x96: '消息速率过高',
  0x97: '超出配额',
  0x98: '管理操作',
  0x99: '载荷格式无效',
  0x9a: '不支持保留消息',
  0x9b: '不支持该 QoS',
  0x9c: '请使用其他服务器',
  0x9d: '服务器已迁移',
  0x9e: '不支持共享订阅',
  0x9f: '连接速率过高',
  0xa0: '超出最长连接时间',
  0xa1: '不支持订阅标识符',
  0xa2: '不支持通配符订阅',
}

/** Every code's name in English and in Chinese. */
export function reasonNames(): [english: string, chinese: string][] {
  return Object.entries(ZH).map(([code, words]) => [reasonText(Number(code)), words])
}

/** Return codes of CONNACK in MQTT 3.x, and the reason codes that say the same. */
const RETURN_CODES: Record<number, number> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 }

/** The code with which a connection was refused or ended; of 5.0 none of these is below 0x80. */
export function endWords(code: number, language: Language): string | null {
  return wordsOf(code, RETURN_CODES[code] ?? code, language)
}

/** The code in words; null: there is no such code, or it says nothing (0). */
export function reasonWords(code: number, language: Language): string | null {
  return wordsOf(code, code, language)
}

function wordsOf(code: number, meaning: number, language: Language): string | null {
  if (code === 0) return null
  const english = reasonText(meaning)
  const hex = `0x${code.toString(16).padStart(2, '0')}`
  return language === 'zh' ? `${ZH[meaning] ?? english}（${hex}）` : `${english} (${hex})`
}
