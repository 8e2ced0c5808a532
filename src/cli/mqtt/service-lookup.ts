/** `-S`: the broker of a domain, by its SRV record. */
import { resolveSrv } from 'node:dns/promises'
import { MqttError } from '../../client/errors.ts'

/** The service of the lowest priority number, and there of the greatest weight. Rejects with MqttError `CONNECT`. */
export async function lookUpService(
  domain: string,
  isTls: boolean,
): Promise<{ host: string; port: number }> {
  const name = `_${isTls ? 'secure-mqtt' : 'mqtt'}._tcp.${domain}`
  try {
    const records = await resolveSrv(name)
    const best = records.sort((a, b) => a.priority - b.priority || b.weight - a.weight).at(0)
    if (best !== undefined) return { host: best.name, port: best.port }
  } catch (error) {
    throw new MqttError('CONNECT', `no SRV record ${name}`, { cause: error })
  }
  throw new MqttError('CONNECT', `no SRV record ${name}`)
}
