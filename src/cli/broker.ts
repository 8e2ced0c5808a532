/** `mozzie` without a command word: the broker. Its code is loaded when it is to run. */
import { version } from '../server/version.ts'
import {
  ARGUMENT_ERROR_EXIT_CODE,
  brokerHelpText,
  parseBrokerArguments,
} from './broker-arguments.ts'

/** Runs the broker as `words`, the command line behind the program's name, ask for. Sets the exit code. */
export async function runBroker(words: readonly string[]): Promise<void> {
  const parsed = parseBrokerArguments(words)
  if (!parsed.ok) {
    process.stderr.write(`${parsed.error}\nTry "mozzie --help".\n`)
    process.exitCode = ARGUMENT_ERROR_EXIT_CODE
    return
  }
  const args = parsed.arguments
  if (args.action === 'help') return void process.stdout.write(brokerHelpText())
  if (args.action === 'version') return void process.stdout.write(`mozzie version ${version}\n`)
  const { startBroker } = await import('./run-broker.ts')
  await startBroker(args, words)
}
