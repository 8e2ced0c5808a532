/** Values of the options of the log. */
import { LogType } from '../base/log.ts'
import { ValueError } from './config-error.ts'
import { words } from './lexer.ts'
import { choice, custom, path, type ValueType } from './value-types.ts'

/** Where log lines go. */
export type LogDestination =
  | { readonly kind: 'stdout' | 'stderr' | 'syslog' | 'topic' | 'dlt' | 'android' }
  | { readonly kind: 'file'; readonly path: string }

const simpleDestination = choice('stdout', 'stderr', 'syslog', 'topic', 'dlt', 'android')

/** `log_dest`: lines add up, `none` forgets the ones before it, one file at most. */
export const logDestinations: ValueType<readonly LogDestination[]> = {
  ...custom('none | stdout | stderr | syslog | topic | file PATH', readDestination),
  merge(name, before, next) {
    if (next.length === 0 || before === undefined) return next
    if ([...before, ...next].filter(({ kind }) => kind === 'file').length > 1)
      throw new ValueError(`Duplicate "${name} file" value in configuration.`)
    const others = before.filter(({ kind }) => kind !== next[0].kind)
    return [...others, ...next]
  },
  show: (destinations) => destinations.map(({ kind }) => kind).join(', '),
}

function readDestination(name: string, rest: string): readonly LogDestination[] {
  const kind = words(rest)[0]
  if (kind === 'none') return []
  if (kind !== 'file') return [{ kind: simpleDestination.read(name, rest) }]
  const behindKind = rest.slice(rest.indexOf(kind) + kind.length)
  return [{ kind, path: path.read(`${name} file`, behindKind) }]
}

/** Every log type, or-ed: what `log_type all` and `-v` ask for. */
export const allLogTypes = Object.values(LogType).reduce((mask, bit) => mask | bit, 0)

export const defaultLogTypes =
  LogType.error | LogType.warning | LogType.notice | LogType.information

const logTypeMasks = new Map<string, number>([
  ...Object.entries(LogType),
  ['all', allLogTypes],
  ['none', 0],
])

/** `log_type`: a mask of LogType bits; lines add up, `none` forgets the ones before it. */
export const logTypes: ValueType<number> = {
  ...custom([...logTypeMasks.keys()].join(' | '), readLogType),
  merge: (_name, before, next) => (next === 0 ? 0 : (before ?? 0) | next),
  show: (mask) =>
    Object.entries(LogType)
      .filter(([, bit]) => mask & bit)
      .map(([name]) => name)
      .join(', '),
}

function readLogType(name: string, rest: string): number {
  const word = words(rest)[0]
  const mask = logTypeMasks.get(word)
  if (mask === undefined)
    throw new ValueError(
      `"${name}" must be one of ${[...logTypeMasks.keys()].join(', ')}, not "${word}".`,
    )
  return mask
}
