/** Topics that are not the clients' own. */

const CONTROL = '$CONTROL/'
const BRIDGES = '$SYS/broker/connection/'
const STATE = '/state'

/**
 * Topics that no client may publish to, in a PUBLISH or a will, whatever its rights: `$SYS` is the broker's own, `$share`
 * no topic, `$CONTROL` the way to command the broker ({@link isControl}). Of `$SYS` only the line in which a bridge tells its state is left to the rights.
 */
export function isReserved(topic: string): boolean {
  if (topic.charCodeAt(0) !== 0x24) return false
  if (topic === '$SYS' || topic.startsWith('$SYS/')) return !isBridgeState(topic)
  return topic.startsWith('$share/') || topic.startsWith(CONTROL)
}

/** `$SYS/broker/connection/NAME/state`. */
function isBridgeState(topic: string): boolean {
  if (!topic.startsWith(BRIDGES) || !topic.endsWith(STATE)) return false
  return topic.indexOf('/', BRIDGES.length) === topic.length - STATE.length
}

/** Whether a PUBLISH of this topic is a command for the broker. It is carried out, and reaches nobody. */
export function isControl(topic: string): boolean {
  return topic.startsWith(CONTROL)
}
