/** Who looks after certificates, and the authority of the broker that served the page. */
import { useEffect, useState } from 'react'
import type { Profile } from '../model/profile.ts'
import { download } from '../ui/files.ts'
import { useText } from '../ui/text.ts'
import { askOwnBroker } from './find-causes.ts'
import { Section } from './form-section.tsx'

export function TlsSection({ profile }: { profile: Profile }) {
  const t = useText()
  const authority = useAuthority(profile)
  return (
    <Section title={t.tls} changed={0}>
      <p className="hint">{t.tlsText}</p>
      {authority !== null && (
        <p>
          <AuthorityButton authority={authority} />
        </p>
      )}
    </Section>
  )
}

/** @param authority A certificate, as PEM. */
export function AuthorityButton({ authority }: { authority: string }) {
  const t = useText()
  return (
    <button
      type="button"
      className="button is-small"
      onClick={() =>
        download('ca.crt', new Blob([authority], { type: 'application/x-x509-ca-cert' }))
      }
    >
      {t.downloadAuthority}
    </button>
  )
}

function useAuthority({ scheme, host, port }: Profile): string | null {
  const [authority, setAuthority] = useState<string | null>(null)
  useEffect(() => {
    let isStale = false
    setAuthority(null)
    if (scheme === 'wss')
      void askOwnBroker({ host, port }).then((own) => {
        if (!isStale) setAuthority(own?.certificate ?? null)
      })
    return () => {
      isStale = true
    }
  }, [scheme, host, port])
  return authority
}
