/** What is remembered between visits, besides the connections. */
import type { Draft } from './message.ts'

export interface Schema {
  id: string
  name: string
  kind: 'protobuf' | 'avro'
  source: string
  /** Protobuf: the message's full name; empty: the first one of the file. */
  messageType: string
}

export interface SavedMessage {
  id: string
  name: string
  folder: string
  draft: Draft
}

/** The least and the most that the settings offer, in MiB. */
export const MEMORY_MIB = [8, 1024] as const
export const KEPT_MIB = [1, 500] as const

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'en' | 'zh'

export interface Settings {
  theme: Theme
  /** Null: as the browser says. */
  language: Language | null
  /** Bytes of payloads kept for each connection, in MiB. */
  keepMiB: number
  /** Times in lists: of the day, or since the message above. */
  times: 'clock' | 'delta'
  /** After a reload the connections that were open are opened again. */
  reopenTabs: boolean
  /** Messages outlive a reload. */
  keepMessages: boolean
  /** For each connection, in MiB. */
  keptMiB: number
  /** The dock to publish from takes one line. */
  dockFolded: boolean
  schemas: Schema[]
  saved: SavedMessage[]
  /** Last messages published, the newest first. */
  history: Draft[]
}

export const defaultSettings = (): Settings => ({
  theme: 'system',
  language: null,
  keepMiB: 64,
  times: 'clock',
  reopenTabs: false,
  keepMessages: false,
  keptMiB: 50,
  dockFolded: false,
  schemas: [],
  saved: [],
  history: [],
})
