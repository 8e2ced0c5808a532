/** English: publishing, files, and the help. */
import type { Widen } from './widen.ts'

export const publishWords = {
  publish: 'Publish',
  foldDock: 'Fold to one line',
  unfoldDock: 'Unfold',
  send: 'Publish',
  sendHint: 'Ctrl+Enter publishes',
  sent: 'Sent. At QoS 0 the broker does not say what became of it.',
  notConfirmed: 'Not confirmed by the broker yet…',
  confirmed: (ms: string) => `Confirmed after ${ms} ms`,
  payloadPlaceholder: 'Payload',
  noWildcards: 'A topic to publish to must not contain + or #.',
  v5Properties: 'Properties',
  timed: 'Repeat',
  saved: 'Saved',
  loadFile: 'Load a file',
  prettyJson: 'Format JSON',
  contentType: 'Content type',
  messageExpiry: 'Message expiry',
  responseTopic: 'Response topic',
  correlationData: 'Correlation data',
  topicAlias: 'Topic alias',
  payloadFormatIndicator: 'Payload is UTF-8 text',
  every: 'Every',
  times: 'Times',
  placeholders: 'In topic and payload:',
  saveAs: 'Save the message as',
  saveAsPlaceholder: 'folder/name',
  lastPublished: 'Last published',
  jobs: { repeat: 'Repeat', csv: 'CSV', replay: 'Replay', clear: 'Clearing' },
  jobConfirmed: (count: string) => `${count} confirmed`,
  jobFailed: (count: string) => `${count} failed`,

  // dialogs
  csvTitle: 'One message per CSV row',
  csvText:
    'The first row names the columns. {{column}} in topic and payload is replaced by the value of the row.',
  csvRows: (count: string) => `${count} rows`,
  publishRows: (count: string) => `Publish ${count} messages`,
  publishGoodRows: (count: string) => `Publish the other ${count}`,
  badRows: (count: string) =>
    count === '1'
      ? '1 row cannot be sent; nothing was sent yet.'
      : `${count} rows cannot be sent; nothing was sent yet.`,
  rowProblem: (row: number, reason: string) => `Row ${row}: ${reason}`,
  jobResults: 'Results of all rows',
  retryFailed: 'Retry failed rows',
  csvProblems: { empty: 'The CSV has no rows.', tooMany: 'At most 100,000 rows.' },
  perSecondMax: 'Messages per second',
  columns: 'Columns:',
  preview: 'Preview',
  clearRetainedText:
    'Retained messages stay on the broker until they are replaced. Find them with a filter, check them, then remove them; those without a tick stay.',
  find: 'Find',
  searching: 'Searching…',
  retainedFound: (count: string) => `${count} retained messages found`,
  removeRetained: (count: string) => `Remove ${count}`,
  andMore: (count: string) => `and ${count} more`,
  export: 'Export',
  exportText: 'Exports the messages that the list shows now, after search and filters.',
  import: 'Import a file',
  importText:
    'Messages from a file open in a tab of their own; nothing is published. Reads files exported here and the output of mozzie sub --output jsonl and mosquitto_sub -F %J.',
  openFile: 'Import a file of messages',
  captureFile: 'File',
  alteredPayloads: (count: number) =>
    count === 1
      ? '1 payload in the file differs from what was sent.'
      : `${count} payloads in the file differ from what was sent.`,
  unreadLines: (count: number) =>
    count === 1 ? '1 line could not be read.' : `${count} lines could not be read.`,
  importedMessages: (count: number) => (count === 1 ? '1 message' : `${count} messages`),
  replay: 'Replay',
  replayText: 'Publishes the messages of a file again, at the recorded pace.',
  speed: 'Speed',
  asFastAsPossible: 'as fast as possible',
  keys: [
    ['Ctrl K', 'all commands'],
    ['Ctrl Enter', 'publish'],
    ['/', 'search messages'],
    ['P', 'pause, resume'],
    ['N', 'new connection'],
    ['↑ ↓', 'previous, next message; move in the topic tree'],
    ['← →', 'collapse, expand a topic'],
    ['Del', 'clear retained messages below the topic'],
    ['?', 'this help'],
  ],
  searchLanguage: 'Search',
  searchForms: [
    ['kitchen "two words"', 'topic or payload contains it'],
    ['-word', 'does not contain it'],
    ['topic:home/+/temp', 'the topic matches the filter'],
    ['payload:text', 'the payload contains it'],
    ['$.temps[0]>=21.5', 'a value in the JSON payload: = != < <= > >='],
    ['/temp(erature)?/i', 'regular expression'],
    ['qos:1 retain:1 dir:in size>1000', 'other fields of a message'],
  ],
}

export type PublishText = Widen<typeof publishWords>
