/** A bound on connections at a time: of one listener, or of all together. */
export interface ConnectionBudget {
  /** 0: no limit. */
  max: number
  open: number
}

export function isFull(budget: ConnectionBudget): boolean {
  return budget.max > 0 && budget.open >= budget.max
}
