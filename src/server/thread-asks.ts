/** What the first thread asks the others, and does to their clients: by name, with plain arguments and answers. */
import type { OtherTraces } from '../admin/traces.ts'
import type { Views } from '../admin/views.ts'
import type { Broker } from '../broker/broker.ts'
import type { Config } from '../config/config.ts'

interface AskedThread {
  readonly broker: Broker
  readonly views: Views
  readonly traces: OtherTraces
  /** Puts users, groups and roles in force, as the text of their file. */
  applyDynamic(file: string, text: string): void
  /** Puts a configuration in force, as far as it can. */
  reload(config: Config): void
}

export function answersOf({ broker, views, traces, applyDynamic, reload }: AskedThread) {
  return {
    ...views,
    kickUser: async (username: string | null) => broker.kickUser(username),
    tellClient: async (clientId: string, topic: string, payload: Uint8Array) =>
      broker.tell(clientId, topic, payload),
    traceStart: async (...trace: Parameters<OtherTraces['start']>) => traces.start(...trace),
    traceEnd: async (id: string) => traces.end(id),
    applyDynamic: async (file: string, text: string) => applyDynamic(file, text),
    reload: async (config: Config) => reload(config),
  }
}

/** By name what is asked and answered. */
export type Answers = ReturnType<typeof answersOf>
export type AskName = keyof Answers
export type AskArguments<Name extends AskName> = Parameters<Answers[Name]>
export type Answer<Name extends AskName> = Awaited<ReturnType<Answers[Name]>>

/** Asks all other threads; their answers, in the order of their numbers. */
export type AskThreads = <Name extends AskName>(
  name: Name,
  ...args: AskArguments<Name>
) => Promise<Answer<Name>[]>
