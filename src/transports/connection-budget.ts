/** A bound on connections at a time: of one listener, or of all together. */
export interface ConnectionBudget {
  /** 0: no limit. */
  max: number
  open: number
  /** How many other threads have. Absent: there are none. */
  elsewhere?(): number
}

export function isFull(budget: ConnectionBudget): boolean {
  return budget.max > 0 && budget.open + (budget.elsewhere?.() ?? 0) >= budget.max
}
