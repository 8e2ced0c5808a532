/** Topics of one connection under their names on the other side, as bytes, each made once; the remote's aliases too. */
import { ProtocolError } from '../codec/protocol-error.ts'
import type { PublishView } from '../codec/publish.ts'
import { Reason } from '../codec/reason-codes.ts'
import { encodedLength, writeUtf8 } from '../codec/utf8.ts'
import { TopicCache } from '../client/topic-cache.ts'
import { topicNameProblem } from '../topics/names.ts'
import { remember, type TopicMap } from './topic-map.ts'

const TOPIC_BYTES_MAX = 65_535

export class Names {
  private readonly topics: TopicMap
  /** Of the remote that we allow; 0: none. */
  private readonly aliasMax: number
  /** Of a name here, and of one there. */
  private readonly levelsMax: number
  private readonly localTopics = new TopicCache()
  private readonly remoteTopics = new TopicCache()
  private readonly there = new Map<string, Uint8Array>()
  private readonly here = new Map<string, Uint8Array>()
  private readonly aliases = new Map<number, string>()

  constructor(topics: TopicMap, aliasMax: number, levelsMax: number) {
    this.topics = topics
    this.aliasMax = aliasMax
    this.levelsMax = levelsMax
  }

  /** The topic of a message from our broker. */
  ofLocal({ bytes, topicStart, topicEnd }: PublishView): string {
    return this.localTopics.textOf(bytes, topicStart, topicEnd)
  }

  /** The topic of a message from the remote. Throws ProtocolError 0x94 on an alias that we do not allow, or that stands for nothing. */
  ofRemote({ bytes, topicStart, topicEnd, topicAlias }: PublishView): string {
    if (topicAlias === 0) return this.remoteTopics.textOf(bytes, topicStart, topicEnd)
    if (topicAlias > this.aliasMax)
      throw new ProtocolError(Reason.topicAliasInvalid, `topic alias ${topicAlias}`)
    const known = topicEnd > topicStart ? undefined : this.aliases.get(topicAlias)
    if (topicEnd === topicStart && known === undefined)
      throw new ProtocolError(Reason.topicAliasInvalid, `unknown topic alias ${topicAlias}`)
    const topic = known ?? this.remoteTopics.textOf(bytes, topicStart, topicEnd)
    this.aliases.set(topicAlias, topic)
    return topic
  }

  /** The remote's name of a local topic; null when it can have none. */
  thereOf(topic: string): Uint8Array | null {
    const known = this.there.get(topic)
    return known ?? this.renamed(this.there, topic, this.topics.remoteTopic(topic))
  }

  /** Our name of a remote topic; null when no line asks for it, or it can have none. */
  hereOf(topic: string): Uint8Array | null {
    const known = this.here.get(topic)
    return known ?? this.renamed(this.here, topic, this.topics.localTopic(topic))
  }

  /** Whether a line asks for this topic of the remote. */
  isAsked(topic: string): boolean {
    return this.topics.localTopic(topic) !== null
  }

  private renamed(
    known: Map<string, Uint8Array>,
    topic: string,
    name: string | null,
  ): Uint8Array | null {
    if (name === null || topicNameProblem(name, this.levelsMax) !== null) return null
    const length = encodedLength(name)
    if (length > TOPIC_BYTES_MAX) return null
    const bytes = new Uint8Array(length)
    writeUtf8(name, bytes, 0)
    remember(known, topic, bytes)
    return bytes
  }
}
