/** The words of the page in the language chosen, or the browser's. */
import { en } from '../i18n/en.ts'
import { zh } from '../i18n/zh.ts'
import type { Text } from '../i18n/en.ts'
import type { Language } from '../model/settings.ts'
import { app } from './app-state.ts'
import { useStore } from './store.ts'

const TEXTS: Record<Language, Text> = { en, zh }

export function languageOf(chosen: Language | null): Language {
  if (chosen !== null) return chosen
  const preferred = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en'
  return /^zh\b/i.test(preferred) ? 'zh' : 'en'
}

export function useLanguage(): Language {
  return useStore(app, ({ settings }) => languageOf(settings.language))
}

export function useText(): Text {
  return TEXTS[useLanguage()]
}

export function textNow(): Text {
  return TEXTS[languageOf(app.get().settings.language)]
}
