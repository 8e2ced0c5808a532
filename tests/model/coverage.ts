/** How often the generator reached what. */
import type { Player } from './player.ts'
import type { Witness } from './run.ts'
import type { Step } from './steps.ts'
import type { Seen } from './wire.ts'

export interface Coverage {
  readonly witness: Witness
  print(): string
}

export function createCoverage(): Coverage {
  const counts = new Map<string, number>()
  const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
  return {
    witness: {
      step(step, player) {
        for (const name of ofStep(step)) add(`step: ${name}`)
        for (const name of ofState(player)) add(`state: ${name}`)
      },
      seen(seen) {
        for (const name of ofSeen(seen)) add(`seen: ${name}`)
      },
    },
    print: () =>
      [...counts]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([name, count]) => `${String(count).padStart(9)}  ${name}`)
        .join('\n'),
  }
}

/** Its kind and every option that it has. */
function ofStep(step: Step): string[] {
  if (step.do === 'burst' || step.do === 'together') return [step.do, ...step.steps.flatMap(ofStep)]
  if (step.do === 'split' || step.do === 'torn') return [step.do, ...ofStep(step.step)]
  const plain = new Set(['do', 'at', 'topic', 'id', 'nth', 'filters', 'ms'])
  const options = Object.entries(step)
    .filter(([name]) => !plain.has(name))
    .map(([name, value]) => `${step.do} ${name}${typeof value === 'object' ? '' : ` ${value}`}`)
  const filters = step.do === 'subscribe' ? step.filters : []
  const shared = filters.some(({ filter }) => filter.startsWith('$share')) ? ['shared'] : []
  const handling = filters.map(({ retainHandling = 0 }) => `retain handling ${retainHandling}`)
  const will = step.do === 'connect' && step.will ? Object.keys(step.will) : []
  return [step.do, ...options, ...shared, ...handling, ...will.map((name) => `will ${name}`)]
}

/** The half-states that are there before a step. */
function ofState({ state }: Player): string[] {
  const names: string[] = []
  for (const { connection, inflight, held, waitingWill } of state.sessions) {
    const where = connection === null ? 'away' : 'connected'
    if (waitingWill !== null) names.push('will waits')
    if (held.length > 0) names.push(`PUBREC sent, no PUBREL, ${where}`)
    for (const { way, released, sentOn } of inflight) {
      const half = released ? 'PUBREC came, no PUBCOMP' : 'PUBLISH sent'
      names.push(`QoS ${way.qos}: ${half}, ${where}`)
      if (connection !== null && sentOn !== connection && !released) names.push('waits for resend')
    }
    if (inflight.length >= (connection?.receiveMaximum ?? Infinity)) names.push('window full')
  }
  if (state.copies.some(({ candidates }) => candidates.length > 1)) names.push('shared: undecided')
  return names
}

function ofSeen(seen: Seen): string[] {
  if (seen.cmd !== 'publish') return [`${seen.cmd} 0x${seen.code.toString(16)}`]
  const flags = [seen.dup && 'dup', seen.retain && 'retain', seen.alias > 0 && 'alias']
  const more = [
    seen.expirySeconds >= 0 && 'expiry',
    seen.subscriptionIds.length > 0 && 'identifier',
  ]
  const has = [...flags, ...more, seen.forwarded !== '' && 'properties'].filter(Boolean)
  return [`publish QoS ${seen.qos}`, ...has.map((name) => `publish ${name}`)]
}
