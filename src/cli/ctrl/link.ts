/** The way to a broker's `$CONTROL`: a command goes out, its answer comes back. */
import { randomUUID } from 'node:crypto'
import { PublishRefusedError, SubscribeRefusedError } from '../../client/errors.ts'
import { startFailure } from '../mqtt/failures.ts'
import { openSession, type Session } from '../mqtt/session.ts'
import type { Settings } from '../mqtt/settings.ts'

/** Something that is to be said and ends the program, or the command in the shell. */
export class CtrlError extends Error {
  override name = 'CtrlError'
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface CtrlLink {
  /** What is answered; @throws CtrlError, with the answer's own words where it is an error. */
  ask(topic: string, command: Record<string, unknown>): Promise<Record<string, unknown>>
  close(): Promise<void>
}

const ANSWER_MS_MAX = 10_000
const FAILED_EXIT_CODE = 1
const TIMEOUT_EXIT_CODE = 27
const LOST_EXIT_CODE = 7

interface Answer {
  readonly command?: string
  readonly error?: string
  readonly data?: Record<string, unknown>
  readonly correlationData?: string
}

/** @throws CtrlError */
export async function openLink(settings: Settings): Promise<CtrlLink> {
  let session: Session
  try {
    session = await openSession(settings, { mayReturn: false })
  } catch (error) {
    const { text, hint, exitCode } = startFailure(settings, error as Error)
    throw new CtrlError([text, hint].filter((line) => line !== null).join('\n'), exitCode)
  }
  const { client } = session
  const listening = new Set<string>()
  let heard: (answers: readonly Answer[]) => void = () => {}
  const listen = async (topic: string): Promise<void> => {
    if (listening.has(topic)) return
    await client.subscribe([{ filter: `${topic}/response`, qos: 1 }], {
      onMessage: ({ payload }) => heard(answersIn(payload)),
    })
    listening.add(topic)
  }
  const answerTo = (id: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new CtrlError(
              'Error: No answer within 10 s: does the broker serve this?',
              TIMEOUT_EXIT_CODE,
            ),
          ),
        ANSWER_MS_MAX,
      )
      const settle = (run: () => void): void => {
        clearTimeout(timer)
        run()
      }
      client.on('end', () =>
        settle(() =>
          reject(new CtrlError('Error: The broker closed the connection.', LOST_EXIT_CODE)),
        ),
      )
      heard = (answers) => {
        const own = answers.find(
          ({ correlationData, command }) => correlationData === id || command === undefined,
        )
        if (own !== undefined) settle(() => resolve(own))
      }
    })
  return {
    async ask(topic, command) {
      const id = randomUUID()
      let answer: Answer
      try {
        await listen(topic)
        const answered = answerTo(id)
        // Its failure is told by the race; alone it would end the program.
        answered.catch(() => {})
        const text = JSON.stringify({ commands: [{ ...command, correlationData: id }] })
        await Promise.race([client.publish(topic, text, { qos: settings.qos }), answered])
        answer = await answered
      } catch (error) {
        throw refusalOf(error as Error)
      }
      if (answer.error === undefined) return answer.data ?? {}
      throw new CtrlError(
        `${answer.command ?? String(command['command'])}: Error: ${answer.error}`,
        FAILED_EXIT_CODE,
      )
    },
    close: () => client.end(),
  }
}

function refusalOf(error: Error): Error {
  if (error instanceof CtrlError) return error
  const isRefused = error instanceof SubscribeRefusedError || error instanceof PublishRefusedError
  return isRefused
    ? new CtrlError(`Error: The broker does not let this user command it: ${error.message}.`, 5)
    : new CtrlError(`Error: ${error.message}.`, LOST_EXIT_CODE)
}

/** One without a command is about the topic as a whole. */
function answersIn(payload: Uint8Array): readonly Answer[] {
  try {
    const root = JSON.parse(new TextDecoder().decode(payload)) as Answer & { responses?: Answer[] }
    return root.responses ?? [root]
  } catch {
    return []
  }
}
