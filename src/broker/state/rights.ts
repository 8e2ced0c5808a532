/** Asks the Auth port on behalf of clients, connected or not. Where it has no check, nothing is asked. */
import type { Message } from '../../ports/message.ts'
import type { Core, Session } from './model.ts'
import { isBridgeUser, type Identity, type Verdict } from '../../ports/ports.ts'

const BRIDGES = '$SYS/broker/connection/'
const STATE = '/state'

/**
 * Topics that no client may publish to, in a PUBLISH or a will, whatever its rights: `$SYS` is the broker's own, `$share`
 * no topic, `$CONTROL` nobody's. Of `$SYS` only the line in which a bridge tells its state is left to the rights.
 */
export function isReserved(topic: string): boolean {
  if (topic.charCodeAt(0) !== 0x24) return false
  if (topic === '$SYS' || topic.startsWith('$SYS/')) return !isBridgeState(topic)
  return topic.startsWith('$share/') || topic.startsWith('$CONTROL/')
}

/** `$SYS/broker/connection/NAME/state`. */
function isBridgeState(topic: string): boolean {
  if (!topic.startsWith(BRIDGES) || !topic.endsWith(STATE)) return false
  return topic.indexOf('/', BRIDGES.length) === topic.length - STATE.length
}

/** Whose rights count for what a session is sent, and for what is still published in its name. */
export function ownerOf(session: Session): Identity {
  const { clientId, username } = session
  session.owner ??= { clientId, username, remote: '', listener: null, login: null }
  return session.owner
}

/** May the session's client be sent a message of `topic`, now or when it is back? */
export function mayReceive(core: Core, session: Session, topic: string): boolean {
  const { deliver } = core.ports.auth
  return deliver === null || session.isOurs || deliver(ownerOf(session), topic)
}

/** May the session's client publish `message`: a will, or a QoS 2 message on its PUBREL? */
export function mayPublish(core: Core, session: Session, message: Message): Verdict {
  const { publish } = core.ports.auth
  const { topicName, qos, retain } = message
  return publish === null || session.isOurs || publish(ownerOf(session), topicName, qos, retain)
}

/** May whoever published a retained message still do so? What the broker itself says always may. */
export function sourceMayPublish(core: Core, message: Message): boolean {
  const { retainSource } = core.ports.auth
  const { publisher, publisherUser, topicName } = message
  return (
    retainSource === null ||
    publisher === '' ||
    isBridgeUser(publisherUser) ||
    retainSource(publisher, publisherUser, topicName)
  )
}
