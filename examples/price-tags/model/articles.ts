/** Articles and price lists that look like those of a shop. */
import type { Article } from './tags.ts'

const GOODS = [
  'Whole milk 3.8 %',
  'Espresso beans',
  'Rye bread',
  'Olive oil extra virgin',
  'Spaghetti no. 5',
  'Dark chocolate 70 %',
  'Jasmine rice',
  'Tomato passata',
  'Sparkling water',
  'Green tea',
  'Butter',
  'Honey',
  'Orange juice',
  'Muesli',
  'Soy sauce',
  'Dish soap',
] as const
const SIZES = ['1 l', '500 g', '750 g', '250 g', '6 x 1 l'] as const

export function articleOf(sku: number): Article {
  const cents = 79 + ((sku * 137) % 1900)
  return {
    sku,
    name: GOODS[sku % GOODS.length],
    cents: cents - (cents % 10) + 9,
    wasCents: 0,
    unit: SIZES[sku % SIZES.length],
    ean: `40${String(sku).padStart(10, '0')}`,
  }
}

/** The same article as an offer. */
export function offerOf(sku: number, percent: number): Article {
  const article = articleOf(sku)
  return {
    ...article,
    cents: Math.round(article.cents * (1 - percent / 100)),
    wasCents: article.cents,
  }
}

export function csvOf(articles: readonly Article[]): string {
  const price = (cents: number): string => (cents / 100).toFixed(2)
  const lines = articles.map(({ sku, name, cents, wasCents, unit, ean }) =>
    [sku, `"${name}"`, price(cents), wasCents > 0 ? price(wasCents) : '', unit, ean].join(','),
  )
  return `sku,name,price,was,unit,ean\n${lines.join('\n')}\n`
}
