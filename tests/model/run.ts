/** One sequence from one seed; and the shortest one that still shows a fault. */
import { seeded } from '../sim/world.ts'
import { closingSteps, Dice, drawStep, drawTaste, openingSteps } from './generate.ts'
import { createPlayer, Fault, type Player } from './player.ts'
import type { PacketStep, Step } from './steps.ts'
import type { Target } from './target.ts'
import type { Seen } from './wire.ts'

export type MakeTarget = () => Target

export interface Outcome {
  readonly steps: readonly Step[]
  /** null: the broker does what the model does. */
  readonly fault: string | null
  readonly transcript: readonly string[]
}

/** Told of every step and every packet of the broker; for the coverage of the generator. */
export interface Witness {
  step(step: Step, player: Player): void
  seen(seen: Seen): void
}

const NO_WITNESS: Witness = { step() {}, seen() {} }

export async function runSeed(
  seed: number,
  makeTarget: MakeTarget,
  witness = NO_WITNESS,
): Promise<Outcome> {
  const dice = new Dice(seeded(seed))
  const taste = drawTaste(dice)
  const steps: Step[] = []
  const opening = openingSteps(taste)
  const closing = closingSteps(taste)
  const next = (player: Player): Step | undefined => {
    const index = steps.length - opening.length
    const step =
      index < 0
        ? opening[steps.length]
        : index < taste.length
          ? drawStep(dice, taste, player)
          : closing[index - taste.length]
    if (step !== undefined) steps.push(step)
    return step
  }
  return play(steps, next, makeTarget, witness)
}

export async function runSteps(steps: readonly Step[], makeTarget: MakeTarget): Promise<Outcome> {
  let index = 0
  return play(steps, () => steps[index++], makeTarget, NO_WITNESS)
}

async function play(
  steps: readonly Step[],
  next: (player: Player) => Step | undefined,
  makeTarget: MakeTarget,
  witness: Witness,
): Promise<Outcome> {
  const target = makeTarget()
  await target.start()
  const player = createPlayer(target, (seen) => witness.seen(seen))
  const { transcript } = player
  let fault: string | null = null
  try {
    for (let step = next(player); step !== undefined; step = next(player)) {
      witness.step(step, player)
      transcript.push(JSON.stringify(step))
      await player.play(step)
    }
  } catch (error) {
    fault = error instanceof Fault ? error.message : String((error as Error).stack ?? error)
  }
  try {
    await target.stop()
  } catch (error) {
    fault ??= String(error)
  }
  return { steps: [...steps], fault, transcript }
}

/** Takes steps out, and what makes them long, as long as a fault of the same kind remains. */
export async function shrink(
  outcome: Outcome,
  makeTarget: MakeTarget,
  triesMax = 2000,
): Promise<Outcome> {
  let best = outcome
  const budget = { tries: triesMax }
  const kind = kindOf(outcome.fault)
  const attempt = async (steps: Step[]): Promise<boolean> => {
    if (budget.tries-- <= 0) return false
    const tried = await runSteps(steps, makeTarget)
    if (kindOf(tried.fault) !== kind) return false
    best = tried
    return true
  }
  for (let before = -1; before !== size(best) && budget.tries > 0;) {
    before = size(best)
    for (let chunk = Math.ceil(best.steps.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2))
      for (let at = 0; at < best.steps.length;)
        if (!(await attempt(best.steps.toSpliced(at, chunk)))) at += chunk
    for (let at = 0; at < best.steps.length; at++)
      for (const simpler of simplerSteps(best.steps[at]))
        await attempt(best.steps.with(at, simpler))
  }
  return best
}

const size = ({ steps }: Outcome): number => JSON.stringify(steps).length

/** Two faults of one kind have the same words, whatever their names and numbers. */
export function kindOf(fault: string | null): string {
  if (fault === null) return ''
  return fault
    .replaceAll(
      /m\d+|line \d+|#\w+|[\d.]+|"[^"]*"|\([^)]*\)| on \S+|\b[a-h]\b|\S*[/]\S*|not sent again.*/g,
      '',
    )
    .slice(0, 80)
}

/** The same step with less in it. */
function simplerSteps(step: Step): Step[] {
  if (step.do === 'burst' || step.do === 'together')
    return [
      ...step.steps,
      ...step.steps.map((_, index) => ({ ...step, steps: step.steps.toSpliced(index, 1) })),
      ...step.steps.flatMap((each, index) =>
        simplerSteps(each).map((simpler) => ({
          ...step,
          steps: step.steps.with(index, simpler as PacketStep),
        })),
      ),
    ]
  if (step.do === 'split' || step.do === 'torn')
    return [
      step.step,
      ...simplerSteps(step.step).map((simpler) => ({ ...step, step: simpler as PacketStep })),
    ]
  if (step.do === 'budget') return []
  const needed = new Set(['do', 'at', 'id', 'version', 'clean', 'topic', 'qos', 'ms', 'how', 'nth'])
  const without = Object.keys(step)
    .filter((name) => !needed.has(name) && name !== 'filters')
    .map((name) => Object.fromEntries(Object.entries(step).filter(([key]) => key !== name)) as Step)
  if (step.do === 'subscribe' || step.do === 'unsubscribe')
    return [...without, ...fewerFilters(step)]
  if (step.do === 'publish' && step.qos > 0) return [...without, { ...step, qos: 0 }]
  return without
}

function fewerFilters(step: Extract<Step, { do: 'subscribe' | 'unsubscribe' }>): Step[] {
  if (step.filters.length < 2) return []
  return step.filters.map(
    (_, index) => ({ ...step, filters: (step.filters as unknown[]).toSpliced(index, 1) }) as Step,
  )
}
