/** Numbers as they are written, compared digit by digit: to a double 1724442618569203713 and …714 are the same. */

/** 0.`digits` × 10 ^ `exponent`. */
interface Decimal {
  readonly isNegative: boolean
  /** Neither the first nor the last is a 0; empty: the number is 0. */
  readonly digits: string
  readonly exponent: number
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,9}))?$/i
/** Longer ones are no numbers that anybody compares. */
const LENGTH_MAX = 1000

function decimalOf(text: string): Decimal | null {
  const found = text.length > LENGTH_MAX ? null : DECIMAL.exec(text)
  if (found === null) return null
  const [, sign, whole = '', fraction = '', power = '0'] = found
  const all = whole + fraction
  if (all === '') return null
  const firstAt = all.search(/[1-9]/)
  if (firstAt === -1) return { isNegative: false, digits: '', exponent: 0 }
  return {
    isNegative: sign === '-',
    digits: all.slice(firstAt).replace(/0+$/, ''),
    exponent: whole.length - firstAt + Number(power),
  }
}

/** Below 0: `one` is less; 0: they are the same number; null: one of them is no decimal number. */
export function compareDecimals(one: string, other: string): number | null {
  const [a, b] = [decimalOf(one.trim()), decimalOf(other.trim())]
  if (a === null || b === null) return null
  const [aSign, bSign] = [signOf(a), signOf(b)]
  if (aSign !== bSign || aSign === 0) return aSign - bSign
  if (a.exponent !== b.exponent) return aSign * (a.exponent - b.exponent)
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -aSign : aSign
}

function signOf({ isNegative, digits }: Decimal): number {
  return digits === '' ? 0 : isNegative ? -1 : 1
}

/** Digits that tell every number of 32 bits from its neighbours, and those that are enough for most. */
const FLOAT32_DIGITS = [6, 7, 8, 9] as const

/** The shortest number that is this one of 32 bits: 0.1, where a double has 0.10000000149011612. */
export function float32(value: number): number {
  const short = FLOAT32_DIGITS.map((digits) => Number(value.toPrecision(digits)))
  return short.find((one) => Math.fround(one) === value) ?? value
}
