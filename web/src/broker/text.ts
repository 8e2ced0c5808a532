/** The words of the broker area, loaded with it. */
import type { Language } from '../model/settings.ts'
import { chosenLanguage, languageOf, useLanguage } from '../ui/text.ts'
import { en, type BrokerText } from './words-en.ts'
import { zh } from './words-zh.ts'

const TEXTS: Record<Language, BrokerText> = { en, zh }

export function useBrokerText(): BrokerText {
  return TEXTS[useLanguage()]
}

export function brokerTextNow(): BrokerText {
  return TEXTS[languageOf(chosenLanguage.get().language)]
}
