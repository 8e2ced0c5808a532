/**
 * Tabs of one browser that are the same client: a broker lets in one of them, and the others would take its place back for ever.
 * Two that connect at the same moment say so both, and only the broker knows which of them came last: whoever hears of the
 * other has lost its place if its connection is lost as well.
 */

const CHANNEL = 'mozzie-clients'

export interface Place {
  /** This tab is the client now. */
  take(clientId: string): void
  leave(): void
}

/**
 * @param address Of the broker.
 * @param onTaken Another tab says that it has become the client that this one is.
 */
export function placeAt(address: string, onTaken: () => void): Place {
  let ours: string | null = null
  const channel = new BroadcastChannel(CHANNEL)
  channel.addEventListener('message', ({ data }) => {
    if (ours !== null && data === ours) onTaken()
  })
  return {
    take(clientId) {
      ours = JSON.stringify([address, clientId])
      channel.postMessage(ours)
    },
    leave: () => channel.close(),
  }
}
