/** `mozzie sub`: subscribes, and prints the messages that come. */
import { SubscribeRefusedError, type MqttError } from '../client/errors.ts'
import type { EndOptions } from '../client/client.ts'
import { Reason } from '../codec/reason-codes.ts'
import { DENIED, DONE, INTERRUPTED, onOutsideEnd } from './mqtt/ending.ts'
import { connectionFailure, sayFailure, startFailure, type Failure } from './mqtt/failures.ts'
import { decoderOf } from './mqtt/payload-format.ts'
import { Receiver } from './mqtt/receiver.ts'
import { startSession, type Session } from './mqtt/session.ts'
import type { Settings } from './mqtt/settings.ts'
import { StandardOutput } from './mqtt/standard-output.ts'
import { settingsOfWords } from './mqtt/start.ts'

/** Why sub ends, and what it leaves behind. */
interface Ending {
  readonly failure: Failure
  readonly farewell: EndOptions
}

/** Runs `mozzie sub` with the words behind its name; sets the exit code. */
export async function runSub(words: readonly string[]): Promise<void> {
  const settings = await settingsOfWords('sub', words)
  if (settings === null) return
  const out = new StandardOutput((line) => {
    if (!settings.quiet) process.stderr.write(`${line}\n`)
  })
  const failure = await run(settings, out)
  out.flush()
  process.exitCode = sayFailure(settings, failure)
}

async function run(settings: Settings, out: StandardOutput): Promise<Failure> {
  const convert = await decoderOf(settings.payloadFormat, settings.pretty)
  let end: (ending: Ending) => void = () => {}
  const ended = new Promise<Ending>((resolve) => {
    end = resolve
  })
  const farewell = { properties: settings.properties.disconnect }
  const removals = new Set<Promise<unknown>>()
  const receiver = new Receiver(settings, out, convert, {
    enough: () => end({ failure: DONE, farewell }),
    removeRetained: (topic) => {
      const removal = session.client.publish(topic, '', { qos: 1, retain: true })
      removals.add(removal)
      void removal.catch(() => undefined).then(() => removals.delete(removal))
    },
  })
  let session: Session
  try {
    session = await startSession(settings, {
      mayReturn: true,
      onMessage: (message) => receiver.take(message),
      print: (line) => out.line(line),
    })
  } catch (error) {
    return startFailure(settings, error as Error)
  }
  const { client } = session
  client.on('end', () => end({ failure: session.failure ?? DONE, farewell }))
  // The will, if there is one, is for such an end.
  const reason = settings.version === 5 ? Reason.disconnectWithWill : 0
  const stopWaiting = onOutsideEnd(settings, session, (failure) => {
    end({ failure, farewell: { ...farewell, reason, timeoutMs: 0 } })
  })
  subscribeAll(settings, session, receiver).then(
    () => settings.exitAfterSubscribe && end({ failure: DONE, farewell }),
    (error: unknown) => {
      const isDenied = error instanceof SubscribeRefusedError
      if (isDenied) end({ failure: DENIED, farewell })
      else if (session.failure !== null) end({ failure: session.failure, farewell })
      else end({ failure: connectionFailure(settings, error as MqttError, true), farewell })
    },
  )
  const rates = settings.messageRate ? printRates(receiver, out) : null
  const ending = await ended
  receiver.close()
  stopWaiting()
  await receiver.idle()
  if (rates !== null) clearInterval(rates)
  await client.end(ending.failure === INTERRUPTED ? { force: true } : ending.farewell)
  return ending.failure
}

/** SUBSCRIBE with every filter, then UNSUBSCRIBE; resolves when both are answered. */
async function subscribeAll(
  settings: Settings,
  { client }: Session,
  receiver: Receiver,
): Promise<void> {
  const { filters, unsubscribes, qos, retainAsPublished, retainHandling, properties } = settings
  await client.ready
  const asked: Promise<unknown>[] = []
  if (filters.length > 0) {
    const options = { qos, retainAsPublished, retainHandling, properties: properties.subscribe }
    const onMessage = receiver.take.bind(receiver)
    asked.push(client.subscribe(filters, { ...options, onMessage }))
  }
  if (unsubscribes.length > 0) {
    asked.push(client.unsubscribe(unsubscribes, properties.unsubscribe))
  }
  await Promise.all(asked)
}

function printRates(receiver: Receiver, out: StandardOutput): NodeJS.Timeout {
  return setInterval(() => out.text(`${receiver.takeCount()} msgs/s\n`), 1000)
}
