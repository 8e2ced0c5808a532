/** What is measured, with which load, and what is asked of it, in the order of the table. */
import type { Scenario } from './scenario.ts'
import { DURABLE } from './scenarios-durable.ts'
import { FLOWS } from './scenarios-flow.ts'
import { KEPT } from './scenarios-kept.ts'

export const SCENARIOS: readonly Scenario[] = [...FLOWS, ...KEPT, ...DURABLE]
