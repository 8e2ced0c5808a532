/** Asks the Auth port on behalf of clients, connected or not. Where it has no check, nothing is asked. */
import type { Message } from '../../ports/message.ts'
import type { Core } from './core.ts'
import type { Session } from './model.ts'
import { isBridgeUser, type Identity, type Verdict } from '../../ports/ports.ts'

/** Whose rights count for what a session is sent, and for what is still published in its name. */
export function ownerOf(session: Session): Identity {
  const { clientId, username } = session
  session.owner ??= { clientId, username, remote: '', listener: null, login: null, origin: '' }
  return session.owner
}

/** Its client has connected, as whom it is known now. */
export function noteOwner(session: Session, identity: Identity | null): void {
  session.owner = identity
}

/** Who publishes from inside the process, for a user or for the broker itself. */
export function insider(username: string | null): Identity {
  return { clientId: '', username, remote: '', listener: null, login: null, origin: '' }
}

/**
 * May the session's client be sent `message`, now or when it is back? null: too many questions of it are open, and
 * this one is to be asked when one of them is answered.
 */
export function mayReceive(
  core: Core,
  session: Session,
  message: Pick<Message, 'topicName'>,
): Verdict | null {
  const { deliver } = core.ports.auth
  if (deliver === null || session.isOurs) return true
  if (session.questions >= core.ports.limits.questionsMax) return null
  return deliver(ownerOf(session), message.topicName)
}

/** May `who`, by default the session's client, publish `message` now: a will, or a QoS 2 message on its PUBREL? */
export function mayPublish(
  core: Core,
  session: Session,
  message: Message,
  who: Identity = ownerOf(session),
): Verdict {
  const { publish } = core.ports.auth
  const { topicName, qos, retain } = message
  return publish === null || session.isOurs || publish(who, topicName, qos, retain)
}

/** May whoever published a retained message still do so? What the broker itself says always may. */
export function sourceMayPublish(core: Core, message: Message): boolean {
  const { retainSource } = core.ports.auth
  const { publisher, publisherUser: username, publisherOrigin: origin } = message
  if (retainSource === null || publisher === '' || isBridgeUser(username)) return true
  const owner = core.sessions.get(publisher)?.owner ?? null
  const login = owner?.username === username ? owner.login : null
  return retainSource({ clientId: publisher, username, login, origin }, message.topicName)
}
