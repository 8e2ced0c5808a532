/** Makes a bridge's local session with its subscriptions, and leaves it: from then on it keeps what is to cross. */
import { LocalEnd } from './local-end.ts'
import type { BridgePorts } from './local-broker.ts'
import type { BridgeSettings } from './settings.ts'
import type { Telling } from './telling.ts'
import type { TopicMap } from './topic-map.ts'

const NOTHING = (): void => undefined

export class Preparation {
  private current: { readonly local: LocalEnd; readonly done: () => void } | null = null
  private readonly ports: BridgePorts
  private readonly telling: Telling
  private readonly madeAnew: () => void

  /** `madeAnew`: there was no session. */
  constructor(ports: BridgePorts, telling: Telling, madeAnew: () => void) {
    this.ports = ports
    this.telling = telling
    this.madeAnew = madeAnew
  }

  /** Then calls `done`; what an earlier run was to do is done then too. */
  run(settings: BridgeSettings, topics: TopicMap, done: () => void): void {
    const { current, ports } = this
    if (current !== null) {
      this.current = null
      current.local.close('prepared again')
      return this.run(settings, topics, () => {
        current.done()
        done()
      })
    }
    if (settings.localCleanSession) return done()
    const options = {
      settings,
      filters: topics.localFilters,
      wantsRetained: false,
      receiveMaximum: 1,
    }
    const local = new LocalEnd(ports.broker, ports.runtime, options, {
      began: NOTHING,
      ready: (sessionPresent) => {
        if (!sessionPresent) this.madeAnew()
        this.end('prepared')
      },
      frame: NOTHING,
      isFull: () => false,
      pause: NOTHING,
      resume: NOTHING,
      closed: (why) => {
        this.telling.fault(why)
        this.end(why)
      },
      refused: (filter, why) => this.telling.unsubscribed(filter, why),
    })
    this.current = { local, done }
    local.open()
  }

  end(why: string): void {
    const { current } = this
    this.current = null
    current?.local.close(why)
    current?.done()
  }
}
