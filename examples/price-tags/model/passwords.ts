/** Who has which password: a line each, `name:password`; of the service's workers and of every AP. */
import { readFileSync } from 'node:fs'

/** Connections of the service that share the results of all APs. */
export const WORKERS = 2
export const workerName = (number: number): string => `service-${number}`

export function readPasswords(file: string): ReadonlyMap<string, string> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return new Map(lines.map((line) => line.split(':') as [string, string]))
}
