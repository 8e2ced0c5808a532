/** What tables say, in the language of a page. */
import { readFileSync } from 'node:fs'

/** A text of the tables in the language of a page; English is what it is asked with. */
export type Say = (english: string) => string

export const sayEnglish: Say = (english) => english

const FILE = 'scripts/words-zh.json'

export interface Dictionary {
  readonly say: Say
  /** Texts without a translation, and translations that nobody asked for. */
  readonly problems: () => string[]
}

export function chineseDictionary(): Dictionary {
  const words = new Map(
    Object.entries(JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>),
  )
  const asked = new Set<string>()
  return {
    say: (english) => {
      if (english !== '') asked.add(english)
      return words.get(english) ?? english
    },
    problems: () => [
      ...[...asked]
        .filter((english) => !words.has(english))
        .map((english) => `${FILE} lacks the Chinese for: ${english}`),
      ...[...words.keys()]
        .filter((english) => !asked.has(english))
        .map((english) => `${FILE} has what no table says any more: ${english}`),
    ],
  }
}
