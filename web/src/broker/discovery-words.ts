/** The words of the page about discovery. */
import { useLanguage } from '../ui/text.ts'
import type { Malformation } from './discovery.ts'

interface DiscoveryText {
  readonly none: string
  readonly about: string
  readonly noValue: string
  readonly orphaned: string
  readonly orphanedHint: string
  readonly malformations: Readonly<Record<Malformation, string>>
  readonly remove: string
  readonly removeStale: (count: string) => string
  readonly removeTitle: string
  readonly removeText: string
  readonly removeNow: (count: string) => string
  readonly removed: (count: string) => string
  readonly entities: (count: string) => string
  readonly of: (name: string) => string
}

const en: DiscoveryText = {
  none: 'Nothing is announced under homeassistant/#.',
  about:
    'What devices announce to Home Assistant, with the last retained value of each of their topics.',
  noValue: 'no retained value',
  orphaned: 'orphaned',
  orphanedHint:
    'None of its topics has a retained value, and the client that announced it is not connected.',
  malformations: {
    topic: 'malformed: the topic is not homeassistant/COMPONENT/[NODE/]OBJECT/config',
    noJson: 'malformed: the payload is not JSON',
    noObject: 'malformed: the payload is not a JSON object',
    badTopic: 'malformed: it contains an invalid topic',
    noUniqueId: 'malformed: it has a device but no "unique_id"',
    noParts: 'malformed: "device", "origin" and "components" are needed, each with a "platform"',
  },
  remove: 'Remove…',
  removeStale: (count) => `Remove orphaned and malformed… (${count})`,
  removeTitle: 'Remove announcements',
  removeText:
    'These retained messages will be cleared, and Home Assistant will remove what they announced:',
  removeNow: (count) => `Remove ${count}`,
  removed: (count) => `${count} removed.`,
  entities: (count) => `${count} announced`,
  of: (name) => `Remove ${name}`,
}

const zh: DiscoveryText = {
  none: 'homeassistant/# 下没有任何通告。',
  about: '设备向 Home Assistant 通告的内容，以及其主题上最后的保留值。',
  noValue: '没有保留值',
  orphaned: '已失效',
  orphanedHint: '它的所有主题上都没有保留值，而且通告它的客户端没有连接。',
  malformations: {
    topic: '格式错误：主题不是 homeassistant/COMPONENT/[NODE/]OBJECT/config',
    noJson: '格式错误：载荷不是 JSON',
    noObject: '格式错误：载荷不是 JSON 对象',
    badTopic: '格式错误：其中的主题无效',
    noUniqueId: '格式错误：有设备（device）但缺少 unique_id',
    noParts: '格式错误：需要 device、origin 和 components，每个部件都要有 platform',
  },
  remove: '移除…',
  removeStale: (count) => `移除已失效和格式错误的通告…（${count}）`,
  removeTitle: '移除通告',
  removeText: '将清除以下保留消息，Home Assistant 会移除它们通告的内容：',
  removeNow: (count) => `移除 ${count} 条`,
  removed: (count) => `已移除 ${count} 条。`,
  entities: (count) => `${count} 条通告`,
  of: (name) => `移除 ${name}`,
}

export function useDiscoveryText(): DiscoveryText {
  return useLanguage() === 'zh' ? zh : en
}
