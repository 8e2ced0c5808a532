/** What a list shows before anybody has asked for something else. */
import type { ViewRequest } from './protocol.ts'

export const DEFAULT_VIEW: ViewRequest = {
  mode: 'stream',
  query: '',
  direction: null,
  subscriptions: [],
  follow: true,
  from: 0,
  count: 60,
  top: 0,
  paused: false,
  latestSort: 'name',
  held: false,
  pivot: null,
}
