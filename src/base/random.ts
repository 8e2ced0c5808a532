/** Randomness as the core sees it: a function, so that a seed can replay a run. */
export interface Random {
  /** Fills `bytes` with random octets. Cryptographic in production: client ids are made from it. */
  fill(bytes: Uint8Array): void
  /** A number in [0, 1). Cheap, not cryptographic: load spreading and jitter. */
  unit(): number
}
