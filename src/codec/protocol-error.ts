/**
 * The peer broke the protocol: its connection ends. `reason` is the MQTT 5 reason code to send it
 * (DISCONNECT, or CONNACK before the session stands); 3.x peers are just closed.
 */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
  readonly reason: number

  constructor(reason: number, message: string) {
    super(message)
    this.reason = reason
  }
}
