/** A part of the connection form that can be folded away, and says how much of it was changed. */
import type { ReactNode } from 'react'
import { emptyProfile, type Profile } from '../model/profile.ts'
import { Icon } from '../ui/icons.tsx'
import { useText } from '../ui/text.ts'

export type Put = (patch: Partial<Profile>) => void

export interface SectionProps {
  profile: Profile
  put: Put
}

export const FRESH = emptyProfile({ scheme: 'ws', host: '', port: 80, path: '' })

export function Section({
  title,
  changed,
  children,
}: {
  title: string
  changed: number
  children: ReactNode
}) {
  const t = useText()
  return (
    <details className="section">
      <summary>
        <Icon name="chevron" size={14} />
        {title}
        {changed > 0 && <span className="chip">{t.changed(changed)}</span>}
      </summary>
      <div className="section-body">{children}</div>
    </details>
  )
}

/** How many of the members differ from a fresh connection's. */
export function changes<T extends object>(value: T, fresh: T, names: readonly (keyof T)[]): number {
  return names.filter((name) => JSON.stringify(value[name]) !== JSON.stringify(fresh[name])).length
}
