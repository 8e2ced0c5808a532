/** `sub --exec`: a program for each message, one after the other. No shell: nothing of a message becomes a word of a command. */
import { spawn } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { ShownMessage } from './shown-message.ts'

/** QoS 0 messages that wait for the program; those behind them are left out. */
const WAITING_MAX = 1000

export interface Executor {
  /** Resolves when the program has ended well; rejects when it failed, or could not be started. */
  run(message: ShownMessage): Promise<void>
  /** Resolves when none runs any more. */
  idle(): Promise<void>
}

/** @param say Gets what belongs on standard error. */
export function executorOf(command: readonly string[], say: (line: string) => void): Executor {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  let isFull = false
  return {
    run(message) {
      if (message.qos === 0 && waiting >= WAITING_MAX) {
        if (!isFull) say('Warning: messages come faster than the command ends, some are left out.')
        isFull = true
        return Promise.resolve()
      }
      waiting++
      const ended = last.then(() => runOne(command, message))
      last = ended.catch((error: Error) => say(`Error: ${error.message}.`)).finally(() => waiting--)
      return ended
    },
    idle: () => last,
  }
}

function environmentOf({ topic, qos, retain, properties }: ShownMessage): NodeJS.ProcessEnv {
  const { contentType, responseTopic } = properties
  return {
    ...process.env,
    MQTT_TOPIC: topic,
    MQTT_QOS: String(qos),
    MQTT_RETAIN: retain ? '1' : '0',
    ...(contentType !== undefined && { MQTT_CONTENT_TYPE: contentType }),
    ...(responseTopic !== undefined && { MQTT_RESPONSE_TOPIC: responseTopic }),
  }
}

async function runOne([file, ...words]: readonly string[], message: ShownMessage): Promise<void> {
  const child = spawn(file, words, {
    env: environmentOf(message),
    stdio: ['pipe', 'inherit', 'inherit'],
    shell: false,
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${file} ended with ${signal ?? `exit code ${code}`}`))
    })
  })
  // A program that does not read its input closes it.
  pipeline(Readable.from([Buffer.from(message.shown)]), child.stdin).catch(() => undefined)
  await ended
}
