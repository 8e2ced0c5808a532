/** The words of the page in the language chosen, or the browser's. */
import { en } from '../i18n/en.ts'
import { zh } from '../i18n/zh.ts'
import type { Text } from '../i18n/en.ts'
import type { Language } from '../model/settings.ts'
import { durationText } from './format.ts'
import { createStore, useStore } from './store.ts'

/** The language chosen in the settings; null: the browser's. `state/app-state.ts` keeps it up to date. */
export const chosenLanguage = createStore<{ readonly language: Language | null }>({
  language: null,
})

const TEXTS: Record<Language, Text> = { en, zh }

export function languageOf(chosen: Language | null): Language {
  if (chosen !== null) return chosen
  const preferred = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en'
  return /^zh\b/i.test(preferred) ? 'zh' : 'en'
}

export function useLanguage(): Language {
  return useStore(chosenLanguage, ({ language }) => languageOf(language))
}

export function useText(): Text {
  return TEXTS[useLanguage()]
}

/** Durations in the words of the language. */
export function useDuration(): (ms: number) => string {
  const language = useLanguage()
  return (ms) => durationText(ms, language)
}

export function languageNow(): Language {
  return languageOf(chosenLanguage.get().language)
}

export function textNow(): Text {
  return TEXTS[languageNow()]
}
