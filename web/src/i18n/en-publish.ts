/** English: publishing, files, and the help. */
import type { Widen } from './widen.ts'

export const publishWords = {
  publish: 'Publish',
  foldDock: 'Fold to one line',
  unfoldDock: 'Unfold',
  send: 'Publish',
  sendHint: 'Ctrl+Enter publishes',
  sent: 'Sent',
  confirmed: (ms: string) => `Confirmed after ${ms} ms`,
  payloadPlaceholder: 'Payload',
  noWildcards: 'A topic to publish to has no + or #.',
  v5Properties: 'Properties',
  timed: 'Timed',
  saved: 'Saved',
  loadFile: 'Load a file',
  prettyJson: 'Indent JSON',
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
  jobs: { repeat: 'Timed', csv: 'CSV', replay: 'Replay', clear: 'Clearing' },
  jobConfirmed: (count: string) => `${count} confirmed`,
  jobFailed: (count: string) => `${count} failed`,

  // dialogs
  csvTitle: 'One message for each row of a CSV',
  csvText:
    'The first row names the columns. {{column}} in topic and payload becomes the value of the row.',
  csvRows: (count: string) => `${count} rows`,
  publishRows: (count: string) => `Publish ${count} messages`,
  publishGoodRows: (count: string) => `Publish the other ${count}`,
  badRows: (count: string) =>
    count === '1'
      ? '1 row cannot be sent; nothing was sent yet.'
      : `${count} rows cannot be sent; nothing was sent yet.`,
  rowProblem: (row: number, reason: string) => `Row ${row}: ${reason}`,
  jobResults: 'Results of all rows',
  retryFailed: 'Send failed ones again',
  csvProblems: { empty: 'The CSV has no rows.', tooMany: 'At most 100,000 rows.' },
  perSecondMax: 'Messages per second',
  columns: 'Columns:',
  preview: 'Preview',
  clearRetainedText:
    'Retained messages stay with the broker until they are replaced. Find them by a filter, look at them, then remove them: those without a tick stay.',
  find: 'Find',
  searching: 'Searching…',
  retainedFound: (count: string) => `${count} retained messages found`,
  removeRetained: (count: string) => `Remove ${count}`,
  andMore: (count: string) => `and ${count} more`,
  export: 'Export',
  exportText: 'The messages as the list shows them now: search and filters count.',
  import: 'Open a file',
  importText:
    'Messages of a file open in a tab of their own; nothing is published. Files of this page, of mozzie sub --output jsonl and of mosquitto_sub -F %J are understood.',
  openFile: 'Open a file of messages',
  captureFile: 'File',
  alteredPayloads: (count: number) =>
    count === 1
      ? '1 payload is not in the file as it was sent.'
      : `${count} payloads are not in the file as they were sent.`,
  importedMessages: (count: number) => `${count} messages`,
  replay: 'Replay',
  replayText: 'Publishes the messages of a file again, at the pace they were recorded.',
  speed: 'Speed',
  asFastAsPossible: 'as fast as possible',
  keys: [
    ['Ctrl K', 'all commands'],
    ['Ctrl Enter', 'publish'],
    ['/', 'search messages'],
    ['P', 'pause, go on'],
    ['N', 'new connection'],
    ['↑ ↓', 'message before, message after; walk the tree'],
    ['← →', 'collapse, expand a topic'],
    ['Del', 'clear retained messages below the topic'],
    ['?', 'this help'],
  ],
  searchLanguage: 'Search',
  searchForms: [
    ['kitchen "two words"', 'topic or payload holds it'],
    ['-word', 'does not hold it'],
    ['topic:home/+/temperature', 'the topic matches the filter'],
    ['payload:text', 'the payload holds it'],
    ['$.sensor[0].value>=21.5', 'a value of the JSON payload: = != < <= > >='],
    ['/temp(erature)?/i', 'regular expression'],
    ['qos:1 retain:1 dir:in size>1000', 'what else is known of a message'],
  ],
}

export type PublishText = Widen<typeof publishWords>
