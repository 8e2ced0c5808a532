/** What tables say, in the language of a page. */
import { readFileSync } from 'node:fs'

/** A text of the tables in the language of a page; English is what it is asked with. */
export type Say = (english: string) => string

export const sayEnglish: Say = (english) => english

export interface Dictionary {
  readonly say: Say
  /** Texts without a translation, and translations that nobody asked for. */
  readonly problems: () => string[]
}

/** The texts of a JSON object: English to Chinese. */
export function chineseDictionary(file: string): Dictionary {
  const words = new Map(
    Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>),
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
        .map((english) => `${file} lacks the Chinese for: ${english}`),
      ...[...words.keys()]
        .filter((english) => !asked.has(english))
        .map((english) => `${file} has what no table says any more: ${english}`),
    ],
  }
}
