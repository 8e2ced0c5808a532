export type Binds = 'client' | 'server' | 'both'

/** One normative statement: its id in the standard, whom it binds, what it asks in our words. */
export type Statement = readonly [id: string, binds: Binds, text: string]

/** Why a set of statements is proved elsewhere or cannot be seen from outside. */
export type Reason = readonly [why: string, ids: readonly string[]]
