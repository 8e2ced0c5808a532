/** What a decoder lets pass. */
import type { PropertyLimits } from './properties.ts'

export interface DecodeOptions {
  /**
   * Who sent the packet: refuses with 0x82 what only the other side may say. Undefined: either may have,
   * and neither's rules are held against it.
   */
  readonly fromClient?: boolean
  readonly limits?: PropertyLimits
}
