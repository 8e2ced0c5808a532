/** Enhanced authentication (MQTT 5.0, 4.12): AUTH goes back and forth as the method wants it. */
import { PacketType, type AuthPacket } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason } from '../codec/reason-codes.ts'
import { MqttError } from './errors.ts'
import { resume } from './flow.ts'
import type { Core } from './model.ts'
import type { Authenticator } from './options.ts'
import { send } from './send.ts'

type Fail = (core: Core, error: unknown) => void
type Data = Uint8Array | undefined

const NO_BYTES = new Uint8Array(0)

/** Runs a step of the method; what it throws ends the connection, what it gives goes on with it if it still stands. */
function step(
  core: Core,
  run: () => Data | Promise<Data>,
  then: (data: Data) => void,
  fail: Fail,
): void {
  const { epoch } = core
  const wrap = async (): Promise<void> => {
    try {
      const data = await run()
      if (core.epoch === epoch) then(data)
    } catch (error) {
      if (core.epoch === epoch) fail(core, error)
    }
  }
  void wrap()
}

export function startAuthentication(
  core: Core,
  authenticator: Authenticator,
  then: (data: Data) => void,
  fail: Fail,
): void {
  step(core, () => authenticator.start?.(), then, fail)
}

function sendAuth(core: Core, reason: number, method: string, authenticationData: Data): void {
  const properties =
    authenticationData === undefined
      ? { authenticationMethod: method }
      : { authenticationMethod: method, authenticationData }
  send(core, { type: PacketType.auth, reason, properties })
}

/** Throws ProtocolError 0x82 on an AUTH that nothing led to, or of another method [MQTT-4.12.0-5]. */
export function onAuth(core: Core, { reason, properties }: AuthPacket, fail: Fail): void {
  const { authenticate } = core.settings
  const waits = core.phase === 'handshake' || core.reauthentication !== null
  if (authenticate === null || !waits)
    throw new ProtocolError(Reason.protocolError, 'AUTH that was not asked for')
  const { authenticationMethod, authenticationData } = properties
  if (authenticationMethod !== undefined && authenticationMethod !== authenticate.method)
    throw new ProtocolError(Reason.protocolError, 'AUTH of another method')
  if (reason === Reason.continueAuthentication) {
    const answer = () => authenticate.respond(authenticationData ?? NO_BYTES)
    const { method } = authenticate
    step(core, answer, (data) => sendAuth(core, Reason.continueAuthentication, method, data), fail)
    return
  }
  if (core.reauthentication === null)
    throw new ProtocolError(Reason.protocolError, `AUTH with reason ${reason}`)
  authenticate.finish?.(authenticationData)
  core.reauthentication.resolve()
  core.reauthentication = null
}

/** Proves anew who we are, on the same connection [MQTT-4.12.1-1]. */
export function reauthenticate(core: Core, fail: Fail): Promise<void> {
  const { authenticate } = core.settings
  if (authenticate === null)
    return Promise.reject(new MqttError('UNSUPPORTED', 'the client was made without authenticate'))
  if (core.phase !== 'online')
    return Promise.reject(new MqttError('CLOSED', 'the client is not connected'))
  if (core.reauthentication !== null)
    return Promise.reject(new MqttError('INVALID', 'a re-authentication is under way'))
  return new Promise((resolve, reject) => {
    core.reauthentication = { resolve, reject }
    resume(core)
    const { method } = authenticate
    const begin = (data: Data) => sendAuth(core, Reason.reauthenticate, method, data)
    startAuthentication(core, authenticate, begin, fail)
  })
}
