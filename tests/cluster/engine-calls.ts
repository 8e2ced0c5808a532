/** What a broker asks of NATS, by the subject of the question. */

const KINDS: readonly (readonly [kind: string, subject: RegExp, isEmpty?: boolean])[] = [
  ['append', /^\w+\.q\./],
  ['session', /^\w+\.s\./],
  ['hold', /\.x\.\w+\.i\.\d+$/, false],
  ['drop', /\.x\.\w+\.i\.\d+$/, true],
  ['mark', /\.x\.\w+\.o\.\d+$/, false],
  ['unmark', /\.x\.\w+\.o\.\d+$/, true],
  ['retain', /^\w+\.r\./],
  ['will', /^\w+\.w\./],
  ['heartbeat', /^\w+\.n\./],
  ['purge', /STREAM\.PURGE\.\w+_Q/],
  ['delete', /STREAM\.MSG\.DELETE\.\w+_Q/],
  ['unwill', /STREAM\.MSG\.DELETE\.\w+_W/],
  ['read', /STREAM\.MSG\.GET/],
  ['page', /DIRECT\.GET/],
  ['interest', /^\w+\.i$/],
  ['message', /^\w+\.m\./],
  ['claim', /^\w+\.c\./],
  ['barrier', /\.ctl\.\w+\.barrier$/],
  ['answer', /^_INBOX\./],
]

/** '': nothing of interest. `bytes`: of its body. */
export function kindOf(subject: string, bytes: number): string {
  for (const [kind, pattern, isEmpty] of KINDS)
    if (pattern.test(subject) && (isEmpty === undefined || isEmpty === (bytes === 0))) return kind
  return ''
}

export const CALLS: readonly string[] = KINDS.map(([kind]) => kind)
