/** Which nodes of the cluster have no rows in a list, for they did not answer. */
import { useBrokerText } from './text.ts'

export function SilentNodes({ of }: { of: { readonly missing?: readonly string[] } | null }) {
  const b = useBrokerText()
  const names = of?.missing ?? []
  if (names.length === 0) return null
  return (
    <p className="problem" role="status">
      {b.silentNodes(names)}
    </p>
  )
}
