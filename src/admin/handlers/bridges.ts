/** Bridges: how they are, pause and resume. */
import type { Handlers, HandlerWorld } from './handler.ts'

type BridgeHandlers = Pick<Handlers, 'bridges' | 'bridgePause' | 'bridgeResume'>

export function bridgeHandlers({ admin }: HandlerWorld): BridgeHandlers {
  const { bridges } = admin.source
  return {
    bridges: () => ({ bridges: bridges.list() }),
    bridgePause: ({ body: { name } }) => ({ done: bridges.pause(name) }),
    bridgeResume: ({ body: { name } }) => ({ done: bridges.resume(name) }),
  }
}
