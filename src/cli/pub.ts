/** `mozzie pub`: publishes a message, or many, and ends. */
import type { MqttClient } from '../client/client.ts'
import type { PublishOptions } from '../client/publishing.ts'
import {
  EXIT_CODES,
  isBrokersRefusal,
  publishFailure,
  sayFailure,
  startFailure,
} from './mqtt/failures.ts'
import { linesOf } from './mqtt/lines.ts'
import { encoderOf, type Convert } from './mqtt/payload-format.ts'
import { convertOrSay, convertedPayload } from './mqtt/payload-source.ts'
import { topicNameProblem } from '../topics/names.ts'
import { isMalformed } from './mqtt/flag.ts'
import { Progress } from './mqtt/progress.ts'
import { openSession, type Session } from './mqtt/session.ts'
import type { Settings } from './mqtt/settings.ts'
import { Window } from './mqtt/window.ts'
import { settingsOfWords, sayUsageError } from './mqtt/start.ts'

/** At QoS 0, lines on their way to the network at once. */
const QOS0_LINES_MAX = 1000
const BLANK = 0x20

/** Runs `mozzie pub` with the words behind its name; sets the exit code. */
export async function runPub(words: readonly string[]): Promise<void> {
  const settings = await settingsOfWords('pub', words)
  if (settings === null) return
  const { topic, message } = settings
  const hasTopics = message?.kind === 'lines' && message.ownTopics
  if ((topic === null && !hasTopics) || message === null) {
    return sayUsageError('pub', 'Error: Both topic and message must be supplied.')
  }
  if (topic !== null && hasTopics) {
    return sayUsageError('pub', 'Error: -t and --stdin-topics make no sense together.')
  }
  process.exitCode = await run(settings, topic)
}

/** @returns the exit code. */
async function run(settings: Settings, topic: string | null): Promise<number> {
  const { message } = settings
  const convert = await encoderOf(settings.payloadFormat)
  let payload: Uint8Array | null = null
  if (message !== null && message.kind !== 'lines') {
    payload = convertedPayload(settings, message, convert)
    if (payload === null) return EXIT_CODES.usage
  }
  let session: Session
  try {
    session = await openSession(settings, { mayReturn: message?.kind === 'lines' })
  } catch (error) {
    return sayFailure(settings, startFailure(settings, error as Error))
  }
  const { client } = session
  const options: PublishOptions = {
    qos: settings.qos,
    retain: settings.retain,
    properties: settings.properties.publish,
  }
  try {
    if (payload === null) await publishLines(settings, client, topic, convert, options)
    else await publishRepeatedly(settings, client, topic ?? '', payload, options)
  } catch (error) {
    const failure = session.failure ?? publishFailure(error as Error)
    await client.end({ timeoutMs: 0 })
    return sayFailure(settings, failure)
  }
  await client.end({ properties: settings.properties.disconnect })
  return session.failure === null ? 0 : sayFailure(settings, session.failure)
}

async function publishRepeatedly(
  settings: Settings,
  client: MqttClient,
  topic: string,
  payload: Uint8Array,
  options: PublishOptions,
): Promise<void> {
  const { repeatCount, repeatDelayMs } = settings
  const progress = new Progress(settings, 'messages', repeatCount)
  for (let count = 1; count <= repeatCount; count++) {
    await unlessRefused(client.publish(topic, payload, options))
    progress.add(1, payload.length)
    if (count < repeatCount && repeatDelayMs > 0) await pause(client, repeatDelayMs)
  }
  progress.done()
}

/** Waits, but not for a client that has ended meanwhile. */
async function pause(client: MqttClient, delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      stopListening()
      resolve()
    }, delayMs)
    const stopListening = client.on('end', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** What the broker refused is said where its packet comes in, and is no reason to stop. */
async function unlessRefused(published: Promise<unknown>): Promise<void> {
  try {
    await published
  } catch (error) {
    if (!isBrokersRefusal(error)) throw error
  }
}

/** Topic and message of a line; null after it said what is wrong with it. */
function splitLine({ quiet }: Settings, line: Uint8Array): [string, Uint8Array] | null {
  const blank = line.indexOf(BLANK)
  const end = blank < 0 ? line.length : blank
  const topic = Buffer.from(line.subarray(0, end)).toString()
  const bytes = line.subarray(0, end)
  const isWrong = isMalformed({ text: topic, bytes }) || topicNameProblem(topic) !== null
  if (!isWrong) return [topic, blank < 0 ? line.subarray(end) : line.subarray(end + 1)]
  if (!quiet)
    process.stderr.write(`Error: Invalid publish topic '${topic}', the line is left out.\n`)
  return null
}

/**
 * Sends every line, as many at once as the window allows; ends when the last one is acknowledged. `topic` null: each line
 * has its own.
 */
async function publishLines(
  settings: Settings,
  client: MqttClient,
  topic: string | null,
  convert: Convert,
  options: PublishOptions,
): Promise<void> {
  const linesMax = settings.qos === 0 ? QOS0_LINES_MAX : settings.inflightMax
  const progress = new Progress(settings, 'lines', null)
  const window = new Window(linesMax, isBrokersRefusal)
  for await (const batch of linesOf(process.stdin)) {
    for (const line of batch) {
      const [name, text] = topic === null ? (splitLine(settings, line) ?? []) : [topic, line]
      if (name === undefined || text === undefined) continue
      const payload = convertOrSay(settings, convert, text)
      if (payload === null) continue
      window.add(client.publish(name, payload, options))
      progress.add(1, line.length)
      if (window.isFull) await window.room()
    }
  }
  await window.empty()
  progress.done()
}
