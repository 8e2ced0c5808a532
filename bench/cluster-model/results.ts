/** The model's answers from the committed files. Paths are from the repository's root. */
import { readFileSync } from 'node:fs'
import type { Measured } from './measured.ts'
import type { Constants } from './model.ts'
import { tables, withTables, type Results } from './page.ts'
import { check } from './predict.ts'
import { CLIENTS, LIMITS, PROFILES } from './profiles.ts'
import { sizeOf } from './size.ts'

export const CONSTANTS = 'bench/cluster-model/constants.json'
export const CHECKED = 'bench/cluster-model/checked.json'

/** What the constants are, and where each was measured. */
export interface ConstantsFile {
  readonly machine: string
  /** By place in `constants`. */
  readonly from: Readonly<Record<string, string>>
  /** Nodes of the clusters whose probes they come from. */
  readonly fittedNodes: readonly number[]
  /** Sessions of the runs that memory comes from. */
  readonly fittedSessions: readonly number[]
  readonly constants: Constants
}

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

export const readConstants = (): ConstantsFile => read(CONSTANTS) as ConstantsFile
export const readChecked = (): Measured => read(CHECKED) as Measured

export function results(): Results {
  const { constants, fittedNodes, fittedSessions } = readConstants()
  const needs = PROFILES.flatMap((profile) =>
    CLIENTS.map((clients) => ({
      profile: profile.name,
      size: sizeOf(constants, profile, LIMITS, clients),
    })),
  )
  return {
    needs,
    checked: check(constants, readChecked(), fittedNodes, fittedSessions),
    constants,
    limits: LIMITS,
  }
}

/** The page as it is to be. */
export function pageOf(file: string, language: 'en' | 'zh', found: Results): string {
  return withTables(readFileSync(file, 'utf8'), tables(found, language))
}
