/** The Peers port between brokers in one world: interest by node, delivery after a delay. */
import type { Message } from '../../src/ports/message.ts'
import type { Peers, PeersEvents } from '../../src/ports/ports.ts'
import { parseShared, matches } from '../../src/topics/names.ts'
import type { Timeline } from './world.ts'

interface Member {
  readonly name: string
  events: PeersEvents | null
  /** Filters with their counts, shared ones as subscribed. */
  readonly interest: Map<string, number>
}

/** What joins the nodes. */
export class Mesh {
  private readonly members: Member[] = []
  private readonly time: Timeline
  private next = 0

  constructor(time: Timeline) {
    this.time = time
  }

  join(name: string): Peers {
    const member: Member = { name, events: null, interest: new Map() }
    this.members.push(member)
    return {
      start: (events) => void (member.events = events),
      interest: (filter, _group, wanted) => {
        const count = (member.interest.get(filter) ?? 0) + (wanted ? 1 : -1)
        if (count === 0) member.interest.delete(filter)
        else member.interest.set(filter, count)
      },
      publish: (message, served) => this.publish(member, message, served),
      claim: (clientId) => {
        for (const other of this.members)
          if (other !== member) this.time.at(1, () => other.events?.kicked(clientId, () => {}))
      },
      kick: (node, clientId, done) => {
        const other = this.members.find((candidate) => candidate.name === node)
        this.time.at(1, () => {
          if (other?.events) other.events.kicked(clientId, () => this.time.at(1, done))
          else done()
        })
      },
    }
  }

  private publish(from: Member, message: Message, served: readonly string[]): void {
    const chosen = new Map<Member, string[]>()
    const others = this.members.filter((member) => member !== from)
    for (const group of this.groupsFor(others, message.topicName)) {
      if (served.includes(group)) continue
      const able = others.filter((member) => member.interest.has(`$share/${group}`))
      const member = able[this.next++ % able.length]
      chosen.set(member, [...(chosen.get(member) ?? []), group])
    }
    for (const member of others)
      this.time.at(1, () => member.events?.published(message, chosen.get(member) ?? []))
  }

  private groupsFor(members: Member[], topic: string): Set<string> {
    const groups = new Set<string>()
    for (const filter of members.flatMap(({ interest }) => [...interest.keys()])) {
      const shared = parseShared(filter)
      if (shared !== null && matches(shared.filter, topic))
        groups.add(`${shared.group}/${shared.filter}`)
    }
    return groups
  }
}
