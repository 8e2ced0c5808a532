/** Says that the broker does not answer, how old is what one sees, and that it is back. */
import { useEffect } from 'react'
import { clockText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { useStore } from '../ui/store.ts'
import { useDuration } from '../ui/text.ts'
import { useNow } from '../ui/use-now.ts'
import { listen, refreshSession } from './api.ts'
import { parts, reach } from './reach.ts'
import { useBrokerText } from './text.ts'

const TRY_AGAIN_MS = 2000

/** Asks again until it answers. */
function useKnocking(isGone: boolean): void {
  useEffect(() => {
    if (!isGone) return
    const knock = setInterval(() => void refreshSession(), TRY_AGAIN_MS)
    return () => clearInterval(knock)
  }, [isGone])
}

/** Notices on every part that the broker hangs, on those too that ask nothing by themselves. */
function useListening(isGone: boolean): void {
  useEffect(() => {
    if (isGone) return
    const timer = setInterval(() => void listen(), 1000)
    return () => clearInterval(timer)
  }, [isGone])
}

export function ReachBanner() {
  const b = useBrokerText()
  const duration = useDuration()
  const { goneSinceMs, heardAtMs, backAtMs } = useStore(reach, (state) => state)
  const words = useStore(parts, ({ loaded, unloaded }) =>
    loaded > 0 ? 'brokerGoneSince' : unloaded > 0 ? 'brokerGoneUnloaded' : 'brokerGoneLast',
  )
  const nowMs = useNow(goneSinceMs === null ? null : 1000)
  useKnocking(goneSinceMs !== null)
  useListening(goneSinceMs !== null)
  if (goneSinceMs !== null)
    return (
      <p className="reach-banner is-gone" role="alert">
        <Icon name="warn" size={16} />
        <span>
          {heardAtMs === 0
            ? b.brokerGone
            : b[words](clockText(heardAtMs).slice(0, 8), duration(Math.max(0, nowMs - heardAtMs)))}
        </span>
      </p>
    )
  if (backAtMs !== null)
    return (
      <p className="reach-banner is-back" role="status">
        <Icon name="check" size={16} /> <span>{b.brokerBack}</span>
      </p>
    )
  return null
}
