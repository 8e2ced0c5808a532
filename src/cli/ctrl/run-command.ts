/** One command of a module, from its words to what is printed. */
import { BROKER } from './broker-module.ts'
import { CtrlUsageError, type CtrlCommand, type CtrlModule } from './command.ts'
import { DYNSEC } from './dynsec.ts'
import { CtrlError, type CtrlLink } from './link.ts'

export const MODULES: readonly CtrlModule[] = [DYNSEC, BROKER]

export function moduleOf(name: string): CtrlModule | undefined {
  return MODULES.find((module) => module.name === name)
}

export function commandOf({ commands }: CtrlModule, name: string): CtrlCommand | undefined {
  return commands.find((command) => command.name.toLowerCase() === name.toLowerCase())
}

/** @returns the lines to print. @throws CtrlUsageError, CtrlError */
export async function runCommand(
  link: CtrlLink,
  module: CtrlModule,
  command: CtrlCommand,
  words: readonly string[],
  askPassword: () => Promise<string>,
): Promise<string[]> {
  let built: Record<string, unknown>
  try {
    built = await command.build(words, askPassword)
  } catch (error) {
    if (!(error instanceof CtrlUsageError)) throw error
    throw new CtrlUsageError(`${error.message}.\nUsage: ${usageOf(command)}`)
  }
  const { acltype } = built
  const data = await link.ask(module.topic, { command: command.name, ...built })
  const lines = printed(command, data)
  const isOne = command.name === 'getDefaultACLAccess' && typeof acltype === 'string'
  return isOne
    ? lines.filter((line) => line.toLowerCase().startsWith(`${acltype.toLowerCase()} `))
    : lines
}

/** @throws CtrlError where the answer has not the fields that it must have. */
function printed({ name, print }: CtrlCommand, data: Record<string, unknown>): string[] {
  try {
    return [...print(data)]
  } catch {
    throw new CtrlError(`${name}: Error: The broker's answer is none to this command.`, 1)
  }
}

export function usageOf({ name, usage }: CtrlCommand): string {
  return `${name} ${usage}`.trimEnd()
}

/** The help of a module: a command a line. */
export function moduleHelp({ name, title, commands }: CtrlModule): string {
  const width = Math.max(...commands.map((command) => usageOf(command).length))
  const own = commands.map((row) => `  ${usageOf(row).padEnd(width)}  ${row.summary}`)
  const init =
    '  init FILE ADMIN [PASSWORD]'.padEnd(width + 4) + 'makes a file with an administrator'
  return [title, '', ...(name === 'dynsec' ? [init] : []), ...own, ''].join('\n')
}
