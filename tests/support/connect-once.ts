import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'

/**
 * MQTT.js, connected. Rejects when the first attempt ends in any way: by itself the library waits for ever where a
 * connection closes without an error and may not be tried again.
 */
export function connectOnce(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  return connectAsync(url, { reconnectPeriod: 0, ...options }, false)
}
