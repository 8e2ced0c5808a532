/** `mozzie rr`: publishes a request, waits for the answer and prints it. */
import type { EndOptions } from '../client/client.ts'
import type { Message } from '../client/message.ts'
import { SubscribeRefusedError } from '../client/errors.ts'
import { Reason } from '../codec/reason-codes.ts'
import {
  EXIT_CODES,
  publishFailure,
  sayFailure,
  startFailure,
  type Failure,
} from './mqtt/failures.ts'
import { DENIED, DONE, INTERRUPTED, onOutsideEnd } from './mqtt/ending.ts'
import { convertedPayload } from './mqtt/payload-source.ts'
import { decoderOf, encoderOf } from './mqtt/payload-format.ts'
import { Receiver } from './mqtt/receiver.ts'
import { startSession, type Session } from './mqtt/session.ts'
import type { Settings } from './mqtt/settings.ts'
import { StandardOutput } from './mqtt/standard-output.ts'
import { sayUsageError, settingsOfWords } from './mqtt/start.ts'

interface Request {
  readonly topic: string
  readonly responseTopic: string
  readonly payload: Uint8Array
}

/** Runs `mozzie rr` with the words behind its name; sets the exit code. */
export async function runRr(words: readonly string[]): Promise<void> {
  const settings = await settingsOfWords('rr', words)
  if (settings === null) return
  const { topic, message, responseTopic } = settings
  if (topic === null || responseTopic === null || message === null || message.kind === 'lines') {
    const text = 'Error: All of topic, message, and response topic must be supplied.'
    return sayUsageError('rr', text)
  }
  if (settings.properties.publish.responseTopic !== undefined) {
    const text = 'Error in PUBLISH properties: Duplicate response topic.'
    return sayUsageError('rr', text, 'Give the response topic with -e alone.')
  }
  const convert = await encoderOf(settings.payloadFormat)
  const payload = convertedPayload(settings, message, convert)
  if (payload === null) {
    process.exitCode = EXIT_CODES.usage
    return
  }
  const out = new StandardOutput((line) => {
    if (!settings.quiet) process.stderr.write(`${line}\n`)
  })
  const failure = await run(settings, { topic, responseTopic, payload }, out)
  out.flush()
  process.exitCode = sayFailure(settings, failure)
}

async function run(settings: Settings, request: Request, out: StandardOutput): Promise<Failure> {
  const convert = await decoderOf(settings.payloadFormat, settings.pretty)
  let end: (failure: Failure) => void = () => {}
  const ended = new Promise<Failure>((resolve) => {
    end = resolve
  })
  settings.messageCountMax = 1
  /** 0: no answer has come. */
  let answeredAtMs = 0
  const receiver = new Receiver(settings, out, convert, {
    enough: () => {
      answeredAtMs = performance.now()
      end(DONE)
    },
    removeRetained: () => {},
  })
  let session: Session
  try {
    session = await startSession(settings, {
      mayReturn: false,
      print: (line) => out.line(line),
    })
  } catch (error) {
    return startFailure(settings, error as Error)
  }
  const { client } = session
  client.on('end', () => end(session.failure ?? DONE))
  let farewell: EndOptions = { properties: settings.properties.disconnect }
  const stopWaiting = onOutsideEnd(settings, session, (failure) => {
    // The will, if there is one, is for such an end.
    const reason = settings.version === 5 ? Reason.disconnectWithWill : 0
    farewell = { ...farewell, reason, timeoutMs: 0 }
    end(failure)
  })
  const requestedAt = { ms: 0 }
  ask(settings, session, request, requestedAt, (message) => receiver.take(message)).catch(
    (error: unknown) => {
      if (error instanceof SubscribeRefusedError) end(DENIED)
      else end(session.failure ?? publishFailure(error as Error))
    },
  )
  const failure = await ended
  if (settings.latency && answeredAtMs > 0) {
    out.text(`Latency: ${(answeredAtMs - requestedAt.ms).toFixed(3)} ms\n`)
  }
  receiver.close()
  stopWaiting()
  await client.end(failure === INTERRUPTED ? { force: true } : farewell)
  return failure
}

/** The request goes out when the broker has subscribed us to the answer. */
async function ask(
  settings: Settings,
  { client }: Session,
  { topic, responseTopic, payload }: Request,
  requestedAt: { ms: number },
  onMessage: (message: Message) => void | Promise<void>,
): Promise<void> {
  const { qos, retain, retainAsPublished, retainHandling, properties, version } = settings
  await client.ready
  await client.subscribe(responseTopic, {
    qos,
    retainAsPublished,
    retainHandling,
    properties: properties.subscribe,
    onMessage,
  })
  requestedAt.ms = performance.now()
  await client.publish(topic, payload, {
    qos,
    retain,
    properties: version === 5 ? { ...properties.publish, responseTopic } : {},
  })
}
