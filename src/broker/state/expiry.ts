/** Message expiry [MQTT-3.3.2-5]. */
import type { Message } from '../../ports/message.ts'
import type { Core } from './core.ts'

/** Its time is up: nobody is sent it any more who was not before [MQTT-3.3.2-5]. */
export function isExpired(core: Core, { expiresAtMs }: Message): boolean {
  return expiresAtMs !== Infinity && expiresAtMs <= core.ports.clock.wallMs()
}
