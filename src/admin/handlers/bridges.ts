/** Bridges: how they are, pause and resume. */
import type { Handlers, HandlerWorld } from './handler.ts'

type BridgeHandlers = Pick<Handlers, 'bridges' | 'bridgePause' | 'bridgeResume'>

export function bridgeHandlers({ admin }: HandlerWorld): BridgeHandlers {
  const { bridgeDesk } = admin.source
  return {
    bridges: () => bridgeDesk.list(),
    bridgePause: async ({ body: { name } }) => ({ done: await bridgeDesk.pause(name) }),
    bridgeResume: async ({ body: { name } }) => ({ done: await bridgeDesk.resume(name) }),
  }
}
