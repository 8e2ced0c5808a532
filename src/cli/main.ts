/** `mozzie`: picks the command. What a command needs is loaded when it is called for, not before. */
import { basename } from 'node:path'
import { answerEarlyStop } from './early-stop.ts'

/** Runs with the words behind the command's name; sets the exit code, or ends the process. */
type Command = (words: readonly string[]) => Promise<void>

/** A command word is also a program of its own: `mozzie_pub` and `mosquitto_pub` are `mozzie pub`. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  'tls-init': async () => (await import('./tls-init.ts')).runTlsInit,
  bench: async () => (await import('./bench.ts')).runBench,
  backup: async () => (await import('./backup.ts')).runBackup,
  broker: async () => {
    answerEarlyStop()
    return (await import('./broker.ts')).runBroker
  },
  completions: async () => {
    const { runCompletions } = await import('./completions.ts')
    return async (words) => runCompletions(words, Object.keys(commands))
  },
  passwd: async () => (await import('./passwd.ts')).runPasswd,
  db: async () => (await import('./db.ts')).runDb,
  'import-db': async () => (await import('./import-db.ts')).runImportDb,
  pub: async () => (await import('./pub.ts')).runPub,
  retained: async () => (await import('./retained.ts')).runRetained,
  rr: async () => (await import('./rr.ts')).runRr,
  sub: async () => (await import('./sub.ts')).runSub,
}

const programName = /^(?:mozzie|mosquitto)_(\w+?)(?:\.exe)?$/

function find(name: string): (() => Promise<Command>) | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined
}

/**
 * @param program The path this process was started through.
 * @param words The command line behind it.
 */
export async function main(program: string, words: readonly string[]): Promise<void> {
  const called = find(programName.exec(basename(program))?.[1] ?? '')
  if (called !== undefined) return (await called())(words)
  const named = find(words[0] ?? '')
  if (named !== undefined) return (await named())(words.slice(1))
  await (
    await commands['broker']()
  )(words)
}
